//! Credentials of things, users, their tokens and sessions.

use model::{ThingId, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::file::hash;
use super::{Credential, Registry, Session, User};
use crate::StoreError;
use crate::sqlite::{parsed, unreadable};

impl Registry {
    pub async fn credential(&self, thing: &ThingId) -> Result<Option<Credential>, StoreError> {
        let thing = thing.clone();
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "SELECT thing, secret_hash, things, prefixes, created FROM credentials \
                     WHERE thing = ?1",
                )?
                .query_row([thing.as_str()], |row| {
                    Ok(Credential {
                        thing: parsed(row, 0)?,
                        secret_hash: hash(row, 1)?,
                        things: list(row, 2)?,
                        prefixes: list(row, 3)?,
                        created: time(row, 4)?,
                    })
                })
                .optional()
        })
        .await
    }

    /// Replaces the thing's credential.
    pub async fn put_credential(&self, credential: Credential) -> Result<(), StoreError> {
        let text = |list: serde_json::Result<String>| list.expect("a list of texts is always JSON");
        let things = text(serde_json::to_string(&credential.things));
        let prefixes = text(serde_json::to_string(&credential.prefixes));
        self.run(move |connection| {
            let Credential { thing, secret_hash, created, .. } = &credential;
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO credentials \
                     (thing, secret_hash, things, prefixes, created) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    thing.as_str(),
                    secret_hash,
                    things,
                    prefixes,
                    created.millis()
                ])?;
            Ok(())
        })
        .await
    }

    /// Says whether there was one.
    pub async fn remove_credential(&self, thing: &ThingId) -> Result<bool, StoreError> {
        let thing = thing.clone();
        self.run(move |connection| {
            let n = connection
                .prepare_cached("DELETE FROM credentials WHERE thing = ?1")?
                .execute([thing.as_str()])?;
            Ok(n == 1)
        })
        .await
    }

    pub async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let name = name.to_owned();
        self.run(move |connection| {
            connection
                .prepare_cached(&format!("{USERS} WHERE name = ?1"))?
                .query_row([&name], user)
                .optional()
        })
        .await
    }

    /// In order of their names.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached(&format!("{USERS} ORDER BY name"))?
                .query_map([], user)?
                .collect()
        })
        .await
    }

    /// Creates the user or changes it; a token that it has stays.
    pub async fn put_user(&self, user: User) -> Result<(), StoreError> {
        self.run(move |connection| {
            let User { name, role, password_hash, created, disabled } = &user;
            connection
                .prepare_cached(
                    "INSERT INTO users (name, role, password_hash, created, disabled) \
                     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO UPDATE SET \
                     role = excluded.role, password_hash = excluded.password_hash, \
                     created = excluded.created, disabled = excluded.disabled",
                )?
                .execute(params![name, role.as_str(), password_hash, created.millis(), disabled])?;
            Ok(())
        })
        .await
    }

    /// A token works like a session without an end; at most one per user.
    /// Refused when there is no such user.
    pub async fn put_token(
        &self,
        user: &str,
        token_hash: [u8; 32],
        at: Time,
    ) -> Result<(), StoreError> {
        let name = user.to_owned();
        let n_changed = self
            .run(move |connection| {
                connection
                    .prepare_cached(
                        "UPDATE users SET token_hash = ?2, token_created = ?3 WHERE name = ?1",
                    )?
                    .execute(params![name, token_hash, at.millis()])
            })
            .await?;
        if n_changed == 0 {
            let shown: String = user.escape_debug().take(80).collect();
            return Err(StoreError::Refused { detail: format!("user `{shown}` does not exist") });
        }
        Ok(())
    }

    /// `None` also for a user that is disabled.
    pub async fn user_by_token(&self, token_hash: &[u8; 32]) -> Result<Option<User>, StoreError> {
        let token_hash = *token_hash;
        self.run(move |connection| {
            connection
                .prepare_cached(&format!("{USERS} WHERE token_hash = ?1 AND NOT disabled"))?
                .query_row([token_hash], user)
                .optional()
        })
        .await
    }

    pub async fn put_session(&self, session: Session) -> Result<(), StoreError> {
        self.run(move |connection| {
            let Session { id_hash, user, role, created, last_used } = &session;
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO sessions (id_hash, user, role, created, last_used) \
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    id_hash,
                    user,
                    role.as_str(),
                    created.millis(),
                    last_used.millis()
                ])?;
            Ok(())
        })
        .await
    }

    pub async fn session(&self, id_hash: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        let id_hash = *id_hash;
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id_hash, user, role, created, last_used FROM sessions \
                     WHERE id_hash = ?1",
                )?
                .query_row([id_hash], |row| {
                    Ok(Session {
                        id_hash: hash(row, 0)?,
                        user: row.get(1)?,
                        role: parsed(row, 2)?,
                        created: time(row, 3)?,
                        last_used: time(row, 4)?,
                    })
                })
                .optional()
        })
        .await
    }

    pub async fn touch_session(&self, id_hash: &[u8; 32], at: Time) -> Result<(), StoreError> {
        let id_hash = *id_hash;
        self.change(move |connection| {
            connection
                .prepare_cached("UPDATE sessions SET last_used = ?2 WHERE id_hash = ?1")?
                .execute(params![id_hash, at.millis()])
        })
        .await
    }

    pub async fn remove_session(&self, id_hash: &[u8; 32]) -> Result<(), StoreError> {
        let id_hash = *id_hash;
        self.change(move |connection| {
            connection.prepare_cached("DELETE FROM sessions WHERE id_hash = ?1")?.execute([id_hash])
        })
        .await
    }

    /// Ends all sessions of a user (password changed, disabled).
    pub async fn remove_sessions_of(&self, user: &str) -> Result<(), StoreError> {
        let user = user.to_owned();
        self.change(move |connection| {
            connection.prepare_cached("DELETE FROM sessions WHERE user = ?1")?.execute([&user])
        })
        .await
    }

    /// Removes sessions unused since `idle_before` or created before `created_before`.
    pub async fn sweep_sessions(
        &self,
        idle_before: Time,
        created_before: Time,
    ) -> Result<(), StoreError> {
        self.change(move |connection| {
            connection
                .prepare_cached("DELETE FROM sessions WHERE last_used < ?1 OR created < ?2")?
                .execute([idle_before.millis(), created_before.millis()])
        })
        .await
    }

    /// For writes whose count of rows says nothing.
    async fn change(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.run(work).await.map(|_| ())
    }
}

const USERS: &str = "SELECT name, role, password_hash, created, disabled FROM users";

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        name: row.get(0)?,
        role: parsed(row, 1)?,
        password_hash: row.get(2)?,
        created: time(row, 3)?,
        disabled: row.get(4)?,
    })
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Time> {
    row.get(column).map(Time::from_millis_clamped)
}

fn list<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<T>> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}
