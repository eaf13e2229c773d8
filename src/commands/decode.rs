//! `decode`: one payload from standard input to NDJSON readings.

use std::io::{Read, Write};

use anyhow::{Context, bail};
use codec::{Context as DecodeContext, Limits, decode as decode_payload, resolve_time};
use model::{Clock, Reading, Time};
use serde_json::json;

use super::UsageError;
use crate::cli::DecodeArgs;

/// More than any limit of the program; what is longer is cut and refused.
const INPUT_MAX: u64 = 32 << 20;

pub(crate) fn decode(args: &DecodeArgs) -> anyhow::Result<()> {
    let mut input = Vec::new();
    std::io::stdin().take(INPUT_MAX).read_to_end(&mut input).context("read standard input")?;
    let payload = if args.hex { from_hex(&input)? } else { input };

    let received = Clock::System.scene();
    let context = DecodeContext {
        thing: &args.thing,
        raw_property: Some(&args.raw_property),
        received,
        limits: &Limits::default(),
    };
    let decoded = decode_payload(args.codec, &payload, &context)
        .map_err(|error| anyhow::anyhow!("{}: {error}", error.code()))?;

    let mut output = std::io::stdout().lock();
    for reading in &decoded.readings {
        writeln!(output, "{}", line(reading, received))?;
    }
    for problem in &decoded.problems {
        eprintln!("{}: {}: {}", problem.pointer, problem.error.code(), problem.error);
    }
    if decoded.problems.is_empty() {
        Ok(())
    } else {
        bail!("{} of the payload's readings cannot be used", decoded.problems.len())
    }
}

fn line(reading: &Reading, received: Time) -> serde_json::Value {
    let resolved = resolve_time(reading.time, received);
    let mut line = json!({
        "property": reading.property,
        "time": resolved.time,
        "value": reading.value,
    });
    if let Some(channel) = &reading.channel {
        line["channel"] = json!(channel);
    }
    if let Some(unit) = reading.unit {
        line["unit"] = json!(unit);
    }
    if let Some(since) = reading.since {
        line["since"] = json!(since);
    }
    if resolved.by_arrival {
        line["time_of_arrival"] = json!(true);
    }
    line
}

fn from_hex(text: &[u8]) -> anyhow::Result<Vec<u8>> {
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let refused = || UsageError("the input is not hexadecimal text".to_owned());
    if !digits.len().is_multiple_of(2) {
        return Err(refused().into());
    }
    let bytes = digits.chunks_exact(2).map(|pair| {
        let pair = std::str::from_utf8(pair).map_err(|_| refused())?;
        u8::from_str_radix(pair, 16).map_err(|_| refused())
    });
    Ok(bytes.collect::<Result<Vec<u8>, UsageError>>()?)
}
