//! Reads what a request asks for, and says clearly what it may ask for.

use std::str::FromStr;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;

use super::Answer;
use super::problem::Problem;
use crate::store::{IssueId, Status};

/// Rows of a page unless the request says otherwise.
const LIMIT_DEFAULT: usize = 100;
/// Most rows of a page.
pub(super) const LIMIT_MAX: usize = 500;

/// A query string, read strictly: a misspelt parameter would otherwise answer another question.
pub(super) type Asked<T> = Result<Query<T>, QueryRejection>;

/// Which part of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

/// Which issues, and which part of their list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuesQuery {
    project: Option<String>,
    status: Option<String>,
    query: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// The query string, or what is wrong with it.
pub(super) fn asked<T>(asked: Asked<T>) -> Answer<T> {
    match asked {
        Ok(Query(query)) => Ok(query),
        Err(rejection) => Err(Problem::bad_request(rejection.body_text())),
    }
}

impl PageQuery {
    pub fn read(self) -> Answer<(usize, Option<String>)> {
        Ok((limit(self.limit)?, given(self.cursor)))
    }
}

impl IssuesQuery {
    pub fn read(self) -> Answer<crate::store::issue::IssueQuery> {
        Ok(crate::store::issue::IssueQuery {
            project_id: number("project", self.project)?,
            status: given(self.status).map(|name| status(&name)).transpose()?,
            query: given(self.query).unwrap_or_default(),
            limit: limit(self.limit)?,
            cursor: given(self.cursor),
        })
    }
}

/// The name of a status.
pub(super) fn status(name: &str) -> Answer<Status> {
    Status::parse(name).ok_or_else(|| {
        let names = Status::ALL.map(Status::as_str).join(", ");
        Problem::bad_request(format!("{name:?} is no status; it is one of {names}"))
    })
}

/// The id of an issue in a path; whatever is none names no issue.
pub(super) fn issue_id(text: &str) -> Answer<IssueId> {
    text.parse().map(IssueId).map_err(|_| no_issue(text))
}

pub(super) fn no_issue(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(format!("there is no issue {id}"))
}

fn limit(text: Option<String>) -> Answer<usize> {
    let limit = number("limit", text)?.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is a number from 1 to {LIMIT_MAX}")));
    }
    Ok(limit)
}

fn number<T: FromStr>(name: &str, text: Option<String>) -> Answer<Option<T>> {
    let wrong = |text: String| Problem::bad_request(format!("{name} is a number, not {text:?}"));
    given(text).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
}

/// An empty parameter is one that was not given.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
