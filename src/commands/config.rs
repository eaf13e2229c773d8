//! `config check|diff|print`: the same loader as `run`.

use anyhow::Context;

use crate::cli::ConfigCommand;
use crate::config;

pub(crate) fn config(command: &ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Check(args) => {
            let loaded = config::load(args.config.as_deref())?;
            let models = &loaded.models;
            let heads = [&models.safety.head, &models.flood.head];
            println!(
                "ok: {} properties, {} townships of {}, models {}",
                loaded.catalogue.iter().count(),
                loaded.county.townships.len(),
                loaded.county.name.zh,
                heads.map(|head| format!("{}@{}", head.id, head.version)).join(" "),
            );
        }
        ConfigCommand::Diff(args) => {
            for line in config::diff(args.config.as_deref())? {
                println!("{line}");
            }
        }
        ConfigCommand::Print(args) => {
            let loaded = config::load(args.config.as_deref())?;
            let text = toml::to_string(&loaded.settings).context("write the settings as TOML")?;
            print!("{text}");
        }
    }
    Ok(())
}
