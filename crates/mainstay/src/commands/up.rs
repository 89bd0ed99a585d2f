//! `mainstay up`: the whole project in one process.

use crate::app::{App, Signals};
use crate::cli::Up;
use crate::config::Config;
use crate::database::Database;
use crate::failure::Outcome;
use crate::listen::{AdminPort, Listen};
use crate::project::Project;
use crate::roles::Role;
use crate::secrets::Secrets;
use crate::terminal;
use mainstay_kernel::clock::SystemClock;
use mainstay_kernel::config::Flag;
use mainstay_kernel::lifecycle::Lifecycle;

pub(super) async fn run(arguments: Up) -> Outcome {
    let project = Project::open(&arguments.project)?;
    project.require_file()?;
    let config = Config::load(&project, flags(arguments.port, arguments.host))?;
    mainstay_kernel::log::init(&config.log.level, config.log.format).map_err(anyhow::Error::msg)?;
    let clock = SystemClock::shared();
    let secrets = Secrets::load_or_make(&project, &clock)?;
    // a taken port is told before anything is started
    let listen = Listen::bind(&config, AdminPort::NextFree).await?;
    // a signal from here on must not leave a server behind that nobody looks after
    let mut stop = Signals::listen()?;
    let database = Database::open(&project, &config, &secrets).await?;
    let lifecycle = Lifecycle::new();
    let prepared = async {
        database.prepare(&project, &config).await?;
        if let Some(managed) = &database.managed {
            managed.supervise(&lifecycle);
        }
        let roles = [Role::Gateway, Role::Auth, Role::Data, Role::Portal];
        let app = App::build(&project, config.clone(), &secrets, &database.logins, &roles, listen, clock)?;
        if arguments.seed {
            app.seed(&project, &config, &database).await?;
        }
        Ok(app)
    };
    let app = tokio::select! {
        app = prepared => app.map(Some),
        () = stop.wait() => {
            terminal::progress("stopping before the project was ready");
            Ok(None)
        }
    };
    let result = match app {
        Ok(Some(app)) => app.run(&project, database.managed.as_ref(), lifecycle, stop).await,
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
    if let Some(managed) = &database.managed {
        managed.stop().await;
    }
    project.withdraw();
    result
}

/// Flags in the form of configuration.
pub(super) fn flags(port: Option<u16>, host: Option<String>) -> Vec<Flag> {
    let port = port.map(|port| Flag { flag: "--port", section: "gateway", key: "port", value: i64::from(port).into() });
    let host = host.map(|host| Flag { flag: "--host", section: "gateway", key: "bind", value: host.into() });
    port.into_iter().chain(host).collect()
}
