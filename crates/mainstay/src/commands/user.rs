//! `mainstay user add|list|set-password`.

use crate::app;
use crate::cli::{PasswordSource, Project as ProjectArguments, UserAction};
use crate::config::Config;
use crate::database::Database;
use crate::failure::Outcome;
use crate::project::Project;
use crate::secrets::Secrets;
use crate::terminal;
use anyhow::Context as _;
use mainstay_auth::{AccountError, NewUser, Room};
use mainstay_kernel::clock::SystemClock;
use std::io::{BufRead as _, IsTerminal as _};

pub(super) async fn run(action: UserAction) -> Outcome {
    match action {
        UserAction::Add { email, password, project } => {
            let password = read_password(&password)?;
            with_auth(&project.into(), async move |auth| {
                let user = auth.create_user(NewUser::new(&email, password)).await.map_err(anyhow::Error::from)?;
                terminal::say(&format!("{}  {}", user.id, user.email));
                Ok(())
            })
            .await
        }
        UserAction::List { project, json } => with_auth(&project.into(), async |auth| list(auth, json).await).await,
        UserAction::SetPassword { email, password, project } => {
            let password = read_password(&password)?;
            with_auth(&project.into(), async |auth| {
                auth.set_password(&email, &password.into()).await.map_err(anyhow::Error::from)?;
                terminal::done(&format!("the password of {email} was set and its sessions were ended"));
                Ok(())
            })
            .await
        }
    }
}

/// Creates an account unless its address is taken. True when it was created.
pub(crate) async fn create_if_absent(auth: &Room, email: &str, password: &str) -> Outcome<bool> {
    match auth.create_user(NewUser::new(email, password)).await {
        Ok(_) => Ok(true),
        Err(AccountError::Exists) => Ok(false),
        Err(error) => Err(anyhow::Error::from(error).context(format!("sample account {email}")).into()),
    }
}

async fn list(auth: &Room, as_json: bool) -> Outcome {
    const PAGE: u64 = 200;
    for page in 1.. {
        let (users, _) = auth.list_users(page, PAGE).await.map_err(anyhow::Error::from)?;
        for user in &users {
            let address = if user.email.is_empty() { "(anonymous)" } else { &user.email };
            terminal::say(&if as_json { serde_json::to_string(user)? } else { format!("{}  {address}", user.id) });
        }
        if (users.len() as u64) < PAGE {
            break;
        }
    }
    Ok(())
}

async fn with_auth(arguments: &ProjectArguments, work: impl AsyncFnOnce(&Room) -> Outcome) -> Outcome {
    let project = Project::open(arguments)?;
    project.require_file()?;
    let config = Config::load(&project, Vec::new())?;
    mainstay_kernel::log::init("warn", config.log.format).map_err(anyhow::Error::msg)?;
    let secrets = Secrets::for_database(&project, &config, &SystemClock::shared())?;
    let database = Database::attach(&project, &config, &secrets).await?;
    let result = async {
        database.prepare(&project, &config).await?;
        let auth = app::build_auth_alone(&config, &secrets, &database.logins)?;
        work(&auth).await
    }
    .await;
    if let Some(managed) = &database.managed {
        managed.stop().await;
    }
    result
}

fn read_password(source: &PasswordSource) -> Outcome<String> {
    if let Some(name) = &source.password_env {
        let found = crate::config::variable(name)?;
        return Ok(found.with_context(|| format!("the environment variable {name} is not set"))?);
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        terminal::progress("type the password and press Enter (it will be visible; use --password-env in scripts)");
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(anyhow::anyhow!("no password was given: pipe it in, or name a variable with --password-env").into());
    }
    Ok(password)
}
