//! Facts of the county that the API tells: names, townships, outlines.

use model::{LocalizedName, Township, TownshipCode};
use serde_json::{Map, Value, json};

/// How far outside the outlines' bounding box a place on land may lie.
const MARGIN_DEGREES: f64 = 0.25;

#[derive(Debug, Clone)]
pub struct County {
    pub code: String,
    pub name: LocalizedName,
    pub title: LocalizedName,
    pub bureau: LocalizedName,
    pub townships: Vec<Township>,
    /// Each township with its geometry, in the order of `townships`; `null`
    /// for one without an outline.
    geometries: Vec<Value>,
    bounds: Option<Bounds>,
}

/// `[west, south, east, north]`
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds([f64; 4]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutlineError {
    #[error("the outlines are not JSON: {0}")]
    Syntax(String),
    #[error("the outlines are not a GeoJSON FeatureCollection")]
    NotACollection,
    #[error("feature {index} of the outlines: {reason}")]
    Feature { index: usize, reason: &'static str },
}

impl County {
    /// `outlines` is a GeoJSON FeatureCollection whose features name their
    /// township in `id` or `properties.code`.
    pub fn new(
        code: String,
        name: LocalizedName,
        title: LocalizedName,
        bureau: LocalizedName,
        townships: Vec<Township>,
        outlines: &str,
    ) -> Result<County, OutlineError> {
        let collection: Value = serde_json::from_str(outlines)
            .map_err(|error| OutlineError::Syntax(error.to_string()))?;
        let features = collection["features"].as_array().ok_or(OutlineError::NotACollection)?;
        let mut by_code: Vec<(String, Value)> = Vec::with_capacity(features.len());
        for (index, feature) in features.iter().enumerate() {
            let refused = |reason| OutlineError::Feature { index, reason };
            let code = feature["id"]
                .as_str()
                .or_else(|| feature["properties"]["code"].as_str())
                .ok_or_else(|| refused("names no township in `id` or `properties.code`"))?;
            let mut geometry = feature["geometry"].clone();
            wind(&mut geometry).map_err(refused)?;
            by_code.push((code.to_owned(), geometry));
        }
        let geometry_of = |township: &Township| {
            let code = township.code.to_string();
            let found = by_code.iter().find(|(of, _)| *of == code);
            found.map_or(Value::Null, |(_, geometry)| geometry.clone())
        };
        let geometries: Vec<Value> = townships.iter().map(geometry_of).collect();
        let bounds = geometries.iter().filter_map(bounds_of).reduce(Bounds::joined);
        Ok(County { code, name, title, bureau, townships, geometries, bounds })
    }

    pub(crate) fn township(&self, code: TownshipCode) -> Option<&Township> {
        self.townships.iter().find(|township| township.code == code)
    }

    /// May a thing on land stand here? Without outlines, anywhere.
    pub(crate) fn is_near(&self, longitude: f64, latitude: f64) -> bool {
        self.bounds.is_none_or(|Bounds([west, south, east, north])| {
            (west - MARGIN_DEGREES..=east + MARGIN_DEGREES).contains(&longitude)
                && (south - MARGIN_DEGREES..=north + MARGIN_DEGREES).contains(&latitude)
        })
    }

    /// The outlines with `properties_of` each township, as RFC 7946 has it.
    pub(crate) fn feature_collection(
        &self,
        properties_of: impl Fn(&Township) -> Map<String, Value>,
    ) -> Value {
        let features: Vec<Value> = self
            .townships
            .iter()
            .zip(&self.geometries)
            .map(|(township, geometry)| {
                let mut feature = json!({
                    "type": "Feature",
                    "id": township.code.to_string(),
                    "geometry": geometry,
                    "properties": properties_of(township),
                });
                if let Some(Bounds(bbox)) = bounds_of(geometry) {
                    feature["bbox"] = json!(bbox);
                }
                feature
            })
            .collect();
        let mut collection = json!({ "type": "FeatureCollection", "features": features });
        if let Some(Bounds(bbox)) = self.bounds {
            collection["bbox"] = json!(bbox);
        }
        collection
    }
}

impl Bounds {
    fn joined(self, other: Bounds) -> Bounds {
        let (Bounds(a), Bounds(b)) = (self, other);
        Bounds([a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
    }
}

/// Winds each polygon's outer ring counter-clockwise and its holes clockwise.
fn wind(geometry: &mut Value) -> Result<(), &'static str> {
    let kind = geometry["type"].as_str().unwrap_or_default().to_owned();
    let coordinates = &mut geometry["coordinates"];
    match kind.as_str() {
        "Polygon" => wind_polygon(coordinates),
        "MultiPolygon" => {
            let polygons = coordinates.as_array_mut().ok_or("has no coordinates")?;
            polygons.iter_mut().try_for_each(wind_polygon)
        }
        _ => Err("is neither Polygon nor MultiPolygon"),
    }
}

fn wind_polygon(polygon: &mut Value) -> Result<(), &'static str> {
    let rings = polygon.as_array_mut().ok_or("has no rings")?;
    for (index, ring) in rings.iter_mut().enumerate() {
        let points = ring.as_array_mut().ok_or("has a ring that is no list")?;
        let positions: Vec<[f64; 2]> = points
            .iter()
            .map(|point| Some([point[0].as_f64()?, point[1].as_f64()?]))
            .collect::<Option<_>>()
            .ok_or("has a position that is not [longitude, latitude]")?;
        if positions.len() < 4 || positions.first() != positions.last() {
            return Err("has a ring that is not closed");
        }
        let doubled_area: f64 = positions
            .windows(2)
            .map(|pair| pair[0][0] * pair[1][1] - pair[1][0] * pair[0][1])
            .sum();
        let is_counter_clockwise = doubled_area > 0.0;
        if is_counter_clockwise != (index == 0) {
            points.reverse();
        }
    }
    Ok(())
}

fn bounds_of(geometry: &Value) -> Option<Bounds> {
    let mut found: Option<Bounds> = None;
    visit_positions(&geometry["coordinates"], &mut |longitude, latitude| {
        let point = Bounds([longitude, latitude, longitude, latitude]);
        found = Some(found.map_or(point, |bounds| bounds.joined(point)));
    });
    found
}

fn visit_positions(coordinates: &Value, visit: &mut impl FnMut(f64, f64)) {
    let Some(items) = coordinates.as_array() else { return };
    match (items.first().and_then(Value::as_f64), items.get(1).and_then(Value::as_f64)) {
        (Some(longitude), Some(latitude)) => visit(longitude, latitude),
        _ => items.iter().for_each(|item| visit_positions(item, visit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn county(outlines: &str) -> Result<County, OutlineError> {
        let name = || LocalizedName { zh: "象山县".to_owned(), en: "Xiangshan".to_owned() };
        let township = serde_json::from_value(json!({
            "code": "330225101",
            "name": {"zh": "石浦镇", "en": "Shipu"},
            "seat": {"longitude": 121.95, "latitude": 29.21},
            "coastal": true,
            "villages": null,
        }));
        let townships = vec![township.unwrap()];
        County::new("330225".to_owned(), name(), name(), name(), townships, outlines)
    }

    #[test]
    fn rings_are_wound_as_the_rfc_wants_them() {
        let clockwise = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
            "id":"330225101","properties":null,"geometry":{"type":"Polygon",
            "coordinates":[[[121,29],[121,30],[122,30],[122,29],[121,29]]]}}]}"#;
        let county = county(clockwise).unwrap();
        let collection = county.feature_collection(|_| Map::new());
        let ring = &collection["features"][0]["geometry"]["coordinates"][0];
        assert_eq!(*ring, json!([[121, 29], [122, 29], [122, 30], [121, 30], [121, 29]]));
        assert_eq!(collection["bbox"], json!([121.0, 29.0, 122.0, 30.0]));
        assert!(county.is_near(121.5, 30.2) && !county.is_near(29.5, 121.5));
    }

    #[test]
    fn broken_outlines_say_what_is_broken() {
        let open = r#"{"features":[{"id":"330225101","geometry":{"type":"Polygon",
            "coordinates":[[[121,29],[121,30],[122,30],[122,29]]]}}]}"#;
        let found = county(open).unwrap_err();
        let reason = "has a ring that is not closed";
        assert_eq!(found, OutlineError::Feature { index: 0, reason });
        assert_eq!(county("[]").unwrap_err(), OutlineError::NotACollection);
    }
}
