//! The data folder that a command works on, and the addresses that follow from it.

use std::sync::Arc;

use error_sentinel_wire::{Dsn, ProjectId, PublicKey};

use super::Failure;
use crate::clock;
use crate::data_dir::DataDir;
use crate::server::first_start;
use crate::settings::{Settings, base_url};
use crate::store::Store;
use crate::store::project::Project;
use crate::store::sqlite::SqliteStore;

/// A data folder with its store.
pub(super) struct Opened {
    pub settings: Settings,
    pub data_dir: DataDir,
    pub store: Arc<dyn Store>,
}

impl Opened {
    /// Opens what an earlier start made. A command that only looks must not make a folder where somebody
    /// mistyped its name.
    pub fn existing(settings: Settings) -> Result<Opened, Failure> {
        let data_dir = DataDir::open(&settings.data_dir)?;
        if !data_dir.store_path().exists() {
            return Err(Failure::new(format!("{} holds no store", data_dir.path().display())).help(
                "start `error-sentinel serve` once, or say where the data folder is with --data-dir DIR",
            ));
        }
        Opened::open(settings, data_dir)
    }

    /// Opens it, or makes it as the first start would.
    pub fn or_new(settings: Settings) -> Result<Opened, Failure> {
        let data_dir = DataDir::create(&settings.data_dir)?;
        let opened = Opened::open(settings, data_dir)?;
        first_start::ensure_project(&*opened.store, public_key()?, clock::now())?;
        Ok(opened)
    }

    fn open(settings: Settings, data_dir: DataDir) -> Result<Opened, Failure> {
        let store = Arc::new(SqliteStore::open(&data_dir.store_path())?);
        Ok(Opened { settings, data_dir, store })
    }

    /// The project of this name or id. Without one, the only project or else the one named `default`.
    pub fn project(&self, wanted: Option<&str>) -> Result<Project, Failure> {
        choose(self.store.projects()?, wanted)
    }

    /// The DSN of a project, by its oldest key that admits.
    pub fn dsn(&self, project: ProjectId) -> Result<Dsn, Failure> {
        let keys = self.store.project_keys(project)?;
        let key = keys.iter().find(|key| key.revoked_at.is_none());
        let key = key.ok_or_else(|| Failure::new(format!("project {project} has no key that admits")))?;
        let base = self.base_url()?;
        base_url::dsn(&base, key.public_key, project)
            .ok_or_else(|| Failure::new(format!("{base} is no address that a DSN can hold")))
    }

    /// How the collector is reached: the public URL, else where the server that runs said it is, else where
    /// it would listen.
    pub fn base_url(&self) -> Result<String, Failure> {
        if let Some(url) = &self.settings.public_url {
            return Ok(url.clone());
        }
        if let Some(url) = self.data_dir.address() {
            return Ok(url);
        }
        if self.settings.listen.port() == 0 {
            return Err(Failure::new("the port is known only while the server runs")
                .help("start `error-sentinel serve`, or set --public-url URL"));
        }
        Ok(base_url::of_address(self.settings.listen))
    }
}

/// A key nobody can guess.
pub(super) fn public_key() -> Result<PublicKey, Failure> {
    Ok(PublicKey(u128::from_be_bytes(random()?)))
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(format!("the system gives no random numbers: {error}")))?;
    Ok(bytes)
}

fn choose(mut projects: Vec<Project>, wanted: Option<&str>) -> Result<Project, Failure> {
    let names = || -> Vec<String> { projects.iter().map(|project| project.name.clone()).collect() };
    let place = match wanted {
        Some(wanted) => {
            let by_name = projects.iter().position(|project| project.name == wanted);
            by_name.or_else(|| projects.iter().position(|project| project.id.to_string() == wanted))
        }
        None if projects.len() == 1 => Some(0),
        None => projects.iter().position(|project| project.name == first_start::PROJECT),
    };
    match (place, wanted) {
        (Some(place), _) => Ok(projects.swap_remove(place)),
        (None, Some(wanted)) => {
            let near = names().into_iter().find(|name| strsim::damerau_levenshtein(name, wanted) <= 2);
            let failure = Failure::new(format!("there is no project {wanted}"));
            Err(match near {
                Some(near) => failure.help(format!("did you mean {near}? `error-sentinel project list` shows all")),
                None => failure.help(format!(
                    "`error-sentinel project list` shows all; `error-sentinel project create {wanted}` makes it"
                )),
            })
        }
        (None, None) if projects.is_empty() => {
            Err(Failure::new("there is no project yet").help("start `error-sentinel serve` once to make one"))
        }
        (None, None) => {
            Err(Failure::new("there are several projects")
                .help(format!("name one of {}", names().join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use error_sentinel_wire::UnixMs;

    fn projects(names: &[&str]) -> Vec<Project> {
        let project = |(index, name): (usize, &&str)| Project {
            id: ProjectId(index as u32 + 1),
            name: (*name).to_owned(),
            created_at: UnixMs(0),
        };
        names.iter().enumerate().map(project).collect()
    }

    fn chosen(names: &[&str], wanted: Option<&str>) -> Result<String, String> {
        choose(projects(names), wanted).map(|project| project.name).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_project_is_chosen_by_name_or_id_and_a_name_of_digits_wins() {
        let names = ["default", "shop", "1"];
        assert_eq!(chosen(&names, Some("shop")).unwrap(), "shop");
        assert_eq!(chosen(&names, Some("2")).unwrap(), "shop");
        assert_eq!(chosen(&names, Some("1")).unwrap(), "1");
        assert!(chosen(&names, Some("shpo")).unwrap_err().contains("did you mean shop?"));
        assert!(chosen(&names, Some("warehouse")).unwrap_err().contains("project create warehouse"));
    }

    #[test]
    fn without_a_name_it_is_the_only_project_or_the_default_one() {
        assert_eq!(chosen(&["shop"], None).unwrap(), "shop");
        assert_eq!(chosen(&["shop", "default"], None).unwrap(), "default");
        assert!(chosen(&["shop", "till"], None).unwrap_err().contains("name one of shop, till"));
        assert!(chosen(&[], None).unwrap_err().contains("there is no project yet"));
    }
}
