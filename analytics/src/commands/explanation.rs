//! The explanation tree as JSON, as the commands print it.

use serde_json::{Map, Value, json};

use crate::explain::Node;

/// One node with its parts (docs/indices.md section 5, "Contributions").
pub fn explanation(node: &Node) -> Value {
    let raw = node.raw.as_ref().map(|raw| {
        json!({
            "value": raw.value,
            "unit": raw.unit.ucum(),
            "time": raw.time,
            "age_s": raw.age_s,
            "quality": raw.quality.code(),
            "datastreams": raw.datastreams,
        })
    });
    let mut object = Map::new();
    object.insert("id".to_owned(), json!(&*node.id));
    object.insert("kind".to_owned(), json!(node.kind.as_str()));
    object.insert("aggregation".to_owned(), json!(node.aggregation.map(|a| a.as_str())));
    object.insert("score".to_owned(), json!(node.score));
    object.insert("weight".to_owned(), json!(node.weight));
    object.insert("contribution".to_owned(), json!(node.contribution));
    object.insert("state".to_owned(), json!(node.state.as_str()));
    object.insert("raw".to_owned(), json!(raw));
    object
        .insert("reasons".to_owned(), json!(node.reasons.iter().map(|r| &**r).collect::<Vec<_>>()));
    object.insert("parts".to_owned(), Value::Array(node.parts.iter().map(explanation).collect()));
    Value::Object(object)
}
