//! Notifications, on a connection of their own.

use crate::{ConnectOptions, Connection, Error, Ident};
use std::sync::Arc;

/// A connection that listens.
pub struct Listener(Connection);

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Channel.
    pub channel: String,
    /// Payload, possibly empty.
    pub payload: String,
}

impl Listener {
    /// Connects and listens on the channels.
    ///
    /// # Errors
    /// When the database is away or refuses.
    pub async fn connect(options: &ConnectOptions, channels: &[&str]) -> Result<Self, Error> {
        let mut connection = Connection::open(&Arc::new(options.clone())).await?;
        for channel in channels {
            connection.batch(&format!("listen {}", Ident::new(channel))).await?;
        }
        Ok(Self(connection))
    }

    /// Waits for the next notification.
    ///
    /// # Errors
    /// When the connection is lost; connect anew and assume that something was missed.
    pub async fn next(&mut self) -> Result<Notification, Error> {
        let (channel, payload) = self.0.next_notification().await?;
        Ok(Notification { channel, payload })
    }
}
