//! Frozen statements: which parts of a file are meant, and what stands for a parameter's name.

use postgres::types::ToSql;
use postgres::{Client, Error, Row, Statement};

use super::job::Job;

/// One statement with the names of its parameters, in the order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub sql: String,
    pub names: Vec<String>,
}

/// The statements of a file: `--;` ends one, and what stands between `--[part` and `--]` is kept where that part is asked for.
#[must_use]
pub fn scripts(text: &str, parts: &[&str]) -> Vec<Script> {
    let mut kept = true;
    let mut statements = vec![String::new()];
    for line in text.lines() {
        if let Some(part) = line.strip_prefix("--[") {
            kept = parts.contains(&part);
        } else if line == "--]" {
            kept = true;
        } else if !kept || line.starts_with("-- ") || line == "--" {
        } else if line == "--;" {
            statements.push(String::new());
        } else if let Some(last) = statements.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    statements.iter().filter(|sql| !sql.trim().is_empty()).map(|sql| Script::new(sql)).collect()
}

impl Script {
    /// `:name` becomes `$n`; `::` is a cast.
    #[must_use]
    pub fn new(text: &str) -> Script {
        let mut names: Vec<String> = Vec::new();
        let mut sql = String::new();
        let mut rest = text.trim();
        while let Some(at) = rest.find(':') {
            let (before, after) = rest.split_at(at);
            sql.push_str(before);
            let after = &after[1..];
            let name: String = after.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if let Some(cast) = after.strip_prefix(':') {
                sql.push_str("::");
                rest = cast;
            } else if name.is_empty() {
                sql.push(':');
                rest = after;
            } else {
                rest = &after[name.len()..];
                let number = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                    names.push(name);
                    names.len() - 1
                });
                sql.push_str(&format!("${}", number + 1));
            }
        }
        sql.push_str(rest);
        Script { sql, names }
    }
}

/// A script as one session has prepared it.
pub struct Prepared {
    names: Vec<String>,
    /// None: `begin` or `commit`, which nobody prepares.
    statement: Option<Statement>,
    sql: String,
}

impl Prepared {
    pub fn new(client: &mut Client, script: &Script) -> Prepared {
        let plain = ["begin", "commit"].contains(&script.sql.as_str());
        let statement =
            (!plain).then(|| client.prepare(&script.sql).unwrap_or_else(|error| panic!("{}\n{error:?}", script.sql)));
        Prepared { names: script.names.clone(), statement, sql: script.sql.clone() }
    }

    pub fn run(&self, client: &mut Client, job: &Job) -> Result<Vec<Row>, Error> {
        let Some(statement) = &self.statement else {
            return client.batch_execute(&self.sql).map(|()| Vec::new());
        };
        let values: Vec<&(dyn ToSql + Sync)> = self.names.iter().map(|name| job.value(name)).collect();
        client.query(statement, &values)
    }
}

#[cfg(test)]
mod tests {
    use super::{Script, scripts};

    #[test]
    fn parameters_are_numbered_by_name() {
        let script = Script::new("select :key, :a::uuid[], 'x' || ':' || :key");
        assert_eq!(script.sql, "select $1, $2::uuid[], 'x' || ':' || $1");
        assert_eq!(script.names, ["key", "a"]);
    }

    #[test]
    fn parts_are_kept_where_they_are_asked_for() {
        let text = "-- words\nselect 1\n--[hold\n, 2\n--]\n--;\n--[group\nselect 3\n--;\n--]\nselect 4\n";
        let sql = |parts: &[&str]| scripts(text, parts).into_iter().map(|script| script.sql).collect::<Vec<_>>();
        assert_eq!(sql(&[]), ["select 1", "select 4"]);
        assert_eq!(sql(&["hold", "group"]), ["select 1\n, 2", "select 3", "select 4"]);
    }
}
