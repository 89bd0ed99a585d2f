//! Process lifecycle: named, tracked tasks and two signals, *draining* and *stopping*.
//!
//! Draining means "take no new work, finish what is there"; it is what `/readyz` reports and what makes the edge close
//! keep-alive connections politely. Stopping means "end now". [`Lifecycle::shutdown`] goes through both in order.

use std::time::Duration;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A handle to the process's lifecycle. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    draining: CancellationToken,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// A lifecycle that is running.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task that shutdown waits for. The name appears in logs when it panics.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let running = tokio::spawn(self.tasks.track_future(task));
        tokio::spawn(async move {
            if let Err(error) = running.await
                && error.is_panic()
            {
                tracing::error!(task = name, "a background task panicked");
            }
        });
    }

    /// Resolves when draining begins.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// True from the beginning of draining.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Resolves when work must end.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// True once work must end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Starts draining without stopping yet.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Drain for `grace`, then stop and wait at most `patience` for the tasks. True when all ended in time.
    pub async fn shutdown(&self, grace: Duration, patience: Duration) -> bool {
        self.draining.cancel();
        tokio::time::sleep(grace).await;
        self.stopping.cancel();
        self.tasks.close();
        tokio::time::timeout(patience, self.tasks.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    #[tokio::test]
    async fn shutdown_waits_for_tracked_tasks() {
        let life = Lifecycle::new();
        let done = Arc::new(AtomicBool::new(false));
        let (task_life, flag) = (life.clone(), done.clone());
        life.spawn("worker", async move {
            task_life.stopping().await;
            tokio::task::yield_now().await;
            flag.store(true, Ordering::SeqCst);
        });
        assert!(life.shutdown(Duration::ZERO, Duration::from_secs(5)).await);
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn shutdown_gives_up_on_a_task_that_never_ends() {
        let life = Lifecycle::new();
        life.spawn("stuck", std::future::pending());
        assert!(!life.shutdown(Duration::ZERO, Duration::from_millis(20)).await);
    }
}
