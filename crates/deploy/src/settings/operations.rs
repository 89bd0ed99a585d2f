//! `[backup]`.

mainstay_kernel::section! {
    /// Backups of the database on a cluster: a dump at set times, and a trial restore of the newest one.
    pub struct Backup in "backup" {
        /// Render the CronJobs.
        pub enabled: bool = false,
        /// When dumps are made, in cron form.
        pub schedule: String = "0 2 * * *".into(),
        /// When the newest dump is restored into an empty server to see that it can be.
        pub verify_schedule: String = "0 4 * * 0".into(),
        /// Time zone of both.
        pub time_zone: String = "Etc/UTC".into(),
        /// Dumps to keep.
        pub keep: u32 = 14,
        /// Size of the volume that dumps are kept on.
        pub storage: String = "10Gi".into(),
        /// StorageClass of that volume; the cluster's default when unset.
        pub class: Option<String> = None,
    }
    validate(this) {
        super::volume(&this.storage).map_err(|e| ("storage", e))?;
        for (key, schedule) in [("schedule", &this.schedule), ("verify_schedule", &this.verify_schedule)] {
            if schedule.split_whitespace().count() != 5 { return Err((key, "has five fields, such as \"0 2 * * *\"".into())); }
        }
        if this.keep == 0 { return Err(("keep", "keep at least one dump".into())); }
        Ok(())
    }
}
