//! What a transaction left, as text that two runs can be compared by: ids drawn in it, its number and its time are masked.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use holdfast_e2e::{Floor, Refusal, Session};
use serde_json::Value;

/// Rows that go together go in the order of ids that were drawn: when, is not told of one. What is due by the clock is left out: when commits and bookings were looked at. Rows that a transaction wrote, and which of the older ones are still there; sequences, and what an application's
/// triggers noted.
const PREPARE: &str = r#"
create schema both_paths;
do $$ begin
  if exists (select from pg_available_extensions where name = 'amcheck') then create extension amcheck schema both_paths; end if;
end $$;
create table both_paths.noted (n bigint generated always as identity, trigger text, of_table text, op text, old jsonb, new jsonb,
  path text, role text, depth integer, seen text);
create function both_paths.note() returns trigger language plpgsql as $$
begin
  insert into both_paths.noted (trigger, of_table, op, old, new, path, role, depth, seen)
  values (tg_name, tg_table_name, tg_op,
    case when tg_level = 'ROW' and tg_op <> 'INSERT' then to_jsonb(old) end,
    case when tg_level = 'ROW' and tg_op <> 'DELETE' then to_jsonb(new) end,
    current_setting('search_path'), current_user || ' ' || session_user, pg_trigger_depth(),
    concat_ws(' ', (select count(*) from public.allocations), (select count(*) from public.booking_table_assignments),
      (select count(*) from public.booking_assignment_idempotency), (select count(*) from public.booking_state_history),
      (select count(*) from public.capacity_outbox), (select string_agg(status::text, ',' order by id) from public.bookings)));
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create function both_paths.raises() returns trigger language plpgsql as $$
begin
  if to_jsonb(new) ->> 'booking_id' = tg_argv[0] then
    raise exception using errcode = 'AB123', message = 'not this one', detail = tg_op, hint = tg_table_name;
  end if;
  return new;
end $$;
create function both_paths.every(p_base bigint) returns text language plpgsql as $$
declare t record; every text := '';
begin
  for t in select c.oid::regclass as name from pg_class c
           where c.relnamespace in ('public'::regnamespace, 'both_paths'::regnamespace) and c.relkind = 'r'
             and c.relname not in ('holdfast_commit_scan', 'holdfast_booking_scans') order by 1 loop
    every := every || format($q$
      select %1$L || ' ' || (to_jsonb(t) - %3$s)::text from %1$s t where t.xmin::text::bigint > %2$s
      union all select %1$L || ' kept ' || count(*) || ' ' || coalesce(bit_xor(hashtext(t::text)), 0) from %1$s t
        where t.xmin::text::bigint <= %2$s union all $q$, t.name, p_base,
        case t.name::text when 'both_paths.noted' then $q$case op when 'DELETE' then '{n,seen}' else '{}' end::text[]$q$ else $q$''$q$ end);
  end loop;
  for t in select c.oid::regclass as name from pg_class c
           where c.relnamespace in ('public'::regnamespace, 'both_paths'::regnamespace) and c.relkind = 'S' order by 1 loop
    every := every || format('select ''%1$s '' || last_value || is_called from %1$s union all ', t.name);
  end loop;
  return every || 'select null where false';
end $$;
create function both_paths.left_by(p_base bigint) returns setof text language plpgsql security definer as $$
begin return query execute both_paths.every(p_base); end $$;
create function both_paths.rewind() returns void language sql security definer as
  $$ select setval(c.oid::regclass, 1000001, false) from pg_class c
     where c.relkind = 'S' and c.relnamespace in ('public'::regnamespace, 'both_paths'::regnamespace) $$;
grant all on schema both_paths to public; grant all on all tables in schema both_paths to public;
"#;

pub fn prepare(floor: &mut Floor) {
    floor.run(PREPARE);
}

/// Ends the transaction; the next one draws the same numbers of sequences.
pub fn rewind(session: &mut Session) {
    session.run("rollback; select both_paths.rewind()");
}

/// Every row is in every index, as far as the server can tell.
pub const INDEXED: &str = "do $$ begin
  if to_regprocedure('both_paths.bt_index_check(regclass,boolean)') is not null then
    perform both_paths.bt_index_check(i.indexrelid, true) from pg_index i join pg_class c on c.oid = i.indexrelid
      join pg_am a on a.oid = c.relam and a.amname = 'btree' where c.relnamespace = 'public'::regnamespace and i.indisvalid;
  end if; end $$";

/// When a transaction began, in microseconds, and its number.
pub const FACTS: &str =
    "select (extract(epoch from now()) * 1000000)::bigint::text, pg_current_xact_id_if_assigned()::text";

/// What came of a transaction.
#[derive(Default)]
pub struct Account {
    answers: Vec<String>,
    rows: Vec<String>,
    /// In microseconds.
    now: i64,
    xid: String,
    pid: String,
    /// Steps that were not refused.
    pub done: usize,
}

impl Account {
    /// The last row is of [`FACTS`].
    pub fn answered(&mut self, answer: Result<Vec<Vec<Option<String>>>, Refusal>) {
        match answer {
            Ok(mut rows) => {
                let facts = rows.pop().expect("a row of facts");
                self.now = facts[0].as_deref().and_then(|now| now.parse().ok()).expect("an instant");
                self.xid = facts[1].clone().unwrap_or_default();
                self.done += 1;
                let shown = |value: Option<String>| value.unwrap_or_else(|| "null".to_owned());
                let answers = rows.into_iter().flatten().map(shown);
                let is_asked = |answer: &String| !answer.contains("\"task\": ") || answer.contains("expire_holds");
                let answers: Vec<String> = answers.filter(is_asked).collect();
                self.answers.push(format!("{} rows", answers.len()));
                self.answers.extend(answers);
            }
            Err(refusal) => self.answers.push(format!("{refusal:?}")),
        }
    }

    /// What can be known before a call that may end the transaction; that draws its number.
    pub fn begun(session: &mut Session) -> Account {
        let mut account = Account::of(session);
        account.answered(session.simple(&format!("select pg_current_xact_id(); {FACTS}")));
        Account { answers: Vec::new(), ..account }
    }

    /// The answer to a call.
    pub fn heard(&mut self, session: &mut Session, answer: Result<Vec<Value>, Refusal>) {
        let rows = answer.map(|rows| rows.iter().map(|row| vec![Some(row.to_string())]).collect::<Vec<_>>());
        let rows = rows.map(|rows| rows.into_iter().chain(session.simple(FACTS).expect("facts")).collect());
        self.answered(rows);
    }

    pub fn checked(&mut self, checked: Result<(), Refusal>) {
        self.answers.extend(checked.err().map(|refusal| format!("{refusal:?}")));
    }

    pub fn of(session: &Session) -> Account {
        Account { pid: session.pid.to_string(), ..Account::default() }
    }

    /// `rows` asks for them.
    pub fn left(&mut self, session: &mut Session, rows: &str) {
        let rows = session.simple(rows).expect("the rows");
        self.rows = rows.into_iter().flatten().flatten().collect();
    }
}

/// Ids and instants that were there before: these stay as they are.
#[derive(Default)]
pub struct Known {
    ids: HashSet<String>,
    instants: HashSet<i64>,
}

impl Known {
    pub fn of(floor: &mut Floor) -> Known {
        let mut known = Known::default();
        for row in floor.column::<String>("select both_paths.left_by(0)") {
            for piece in pieces(&row) {
                match piece {
                    Piece::Id(id) => drop(known.ids.insert(id.to_owned())),
                    Piece::Instant(at) => drop(known.instants.insert(at)),
                    Piece::Number(number) if number.len() == 16 => known.instants.extend(number.parse::<i64>()),
                    Piece::Word(_) | Piece::Number(_) | Piece::Cut(_) => {}
                }
            }
        }
        known
    }

    /// Answers in their order, then rows in one that no new id decides; new ids are numbered as they come.
    pub fn mask(&self, account: &Account) -> Vec<String> {
        let mut numbers = HashMap::new();
        let answers: Vec<String> =
            account.answers.iter().map(|line| self.numbered(line, account, &mut numbers)).collect();
        let mut rows = self.rows(account, &numbers);
        // An id gets its number from a row that is like no other, if there is one.
        for _ in 0..2 {
            let is_like = |at: usize, other: Option<usize>| {
                other.is_some_and(|at_| rows.get(at_).is_some_and(|row| row.0 == rows[at].0))
            };
            let alone: Vec<usize> =
                (0..rows.len()).filter(|at| !is_like(*at, at.checked_sub(1)) && !is_like(*at, Some(at + 1))).collect();
            for at in alone {
                self.numbered(&rows[at].1, account, &mut numbers);
            }
            rows = self.rows(account, &numbers);
        }
        let rows = rows.iter().map(|(_, row)| self.numbered(row, account, &mut numbers));
        answers.into_iter().chain(rows.collect::<Vec<_>>()).collect()
    }

    /// The rows as they are shown while some ids have no number, in the order of that, and as they are.
    fn rows(&self, account: &Account, numbers: &HashMap<String, usize>) -> Vec<(String, String)> {
        let known = |id: &str| numbers.get(id).map_or("<id>".to_owned(), |number| format!("<id {number}>"));
        let hidden = |text: &str| self.masked(text, account, &mut |id| known(id));
        let ordered = account.rows.iter().map(|row| ordered(row, &hidden));
        let mut rows: Vec<(String, String)> = ordered.map(|row| (hidden(&row), row)).collect();
        rows.sort();
        rows
    }

    fn numbered(&self, line: &str, account: &Account, numbers: &mut HashMap<String, usize>) -> String {
        self.masked(line, account, &mut |id| {
            let next = numbers.len();
            format!("<id {}>", numbers.entry(id.to_owned()).or_insert(next))
        })
    }

    fn masked(&self, line: &str, account: &Account, name: &mut dyn FnMut(&str) -> String) -> String {
        let mut masked = String::with_capacity(line.len());
        for piece in pieces(line) {
            match piece {
                Piece::Id(id) if !self.ids.contains(id) && !id.starts_with("00000000-") => masked.push_str(&name(id)),
                Piece::Cut(start) if !self.ids.iter().any(|id| id.starts_with(start)) => masked.push_str("<cut>"),
                Piece::Instant(at) => masked.push_str(&self.instant(at, account.now)),
                Piece::Number(_)
                    if ["elapsed_ms\":", "durationMs\":"].iter().any(|name| masked.trim_end().ends_with(name)) =>
                {
                    masked.push_str("<ms>")
                }
                Piece::Number(number) if number == account.xid => masked.push_str("<xid>"),
                Piece::Number(_) if masked.ends_with("tuple (") || masked.ends_with("tuple (<place>,") => {
                    masked.push_str("<place>")
                }
                Piece::Number(number) if number == account.pid => masked.push_str("<pid>"),
                Piece::Number(number) if number.len() == 16 => {
                    masked.push_str(&self.instant(number.parse().unwrap_or_default(), account.now));
                }
                Piece::Id(text) | Piece::Cut(text) | Piece::Word(text) | Piece::Number(text) => masked.push_str(text),
            }
        }
        // A checksum is also of the hold that was asked for.
        let of_new_hold = masked.contains("\"hold\": \"<id") || masked.contains("\"hold\":\"<id");
        let place = masked.find("\"payload_checksum\":").filter(|_| of_new_hold);
        if let Some(place) = place.and_then(|place| Some(place + 19 + masked[place + 19..].find('"')?)) {
            masked.replace_range(place..place + 65, "\"<of the hold>");
        }
        masked
    }

    /// The transaction's instant, or how many seconds from it, to the ten; another one as it is.
    fn instant(&self, at: i64, now: i64) -> String {
        let whole = at % 1_000_000 == 0;
        if self.instants.contains(&at) || (whole && (at - now).abs() > 86_400_000_000) {
            return at.to_string();
        }
        if at == now {
            "<now>".to_owned()
        } else {
            format!("<now + {}0>", (at - now + 5_000_000).div_euclid(10_000_000))
        }
    }
}

/// Lists that are in the order of their ids: in one that no new id decides.
fn ordered(row: &str, hidden: &dyn Fn(&str) -> String) -> String {
    fn sorted(value: &mut Value, hidden: &dyn Fn(&str) -> String) {
        match value {
            Value::Object(fields) => fields.values_mut().for_each(|value| sorted(value, hidden)),
            Value::Array(items) => {
                items.iter_mut().for_each(|item| sorted(item, hidden));
                if items.first().is_some_and(Value::is_object) {
                    items.sort_by_cached_key(|item| hidden(&item.to_string()));
                }
            }
            _ => {}
        }
    }
    let place = row.find('{').filter(|_| row.contains("\"freed\": [") || row.contains("\"replaced\": ["));
    let Some((name, text)) = place.map(|place| row.split_at(place)) else { return row.to_owned() };
    let mut value: Value = text.parse().unwrap_or_else(|error| panic!("{row}: {error}"));
    sorted(&mut value, hidden);
    format!("{name}{value}")
}

enum Piece<'a> {
    Word(&'a str),
    Number(&'a str),
    Id(&'a str),
    /// What is shown of an id in a row that is too long to be shown.
    Cut(&'a str),
    /// In microseconds.
    Instant(i64),
}

/// A text taken apart, nothing left out but the offsets of instants, which are all of UTC.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let bytes = text.as_bytes();
    let is_part = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let (mut found, mut from, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_hexdigit() || (at > 0 && is_part(at - 1)) {
            at += 1;
            continue;
        }
        let (piece, length) = if let Some(id) = id(text, at) {
            (Piece::Id(id), id.len())
        } else if let Some(id) = cut(&text[at..]) {
            (Piece::Cut(id), id.len())
        } else if let Some((instant, length)) = instant(&text[at..]) {
            (Piece::Instant(instant), length)
        } else {
            let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if length == 0 || is_part(at + length) {
                at += 1;
                continue;
            }
            (Piece::Number(&text[at..at + length]), length)
        };
        found.push(Piece::Word(&text[from..at]));
        found.push(piece);
        at += length;
        from = at;
    }
    found.push(Piece::Word(&text[from..]));
    found
}

fn id(text: &str, at: usize) -> Option<&str> {
    let id = text.get(at..at + 36)?;
    let fits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    id.bytes().enumerate().all(fits).then_some(id)
}

fn cut(text: &str) -> Option<&str> {
    let end = text.bytes().take(36).position(|byte| byte != b'-' && !byte.is_ascii_hexdigit())?;
    text[end..].starts_with("...").then_some(&text[..end])
}

/// `2027-05-01 18:00:00.5+00`, as text or as JSON has it.
fn instant(text: &str) -> Option<(i64, usize)> {
    let bytes = text.as_bytes();
    if bytes.len() < 19 || &bytes[..2] != b"20" || bytes[4] != b'-' || bytes[13] != b':' {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let day = NaiveDate::from_ymd_opt(number(0, 4)?.try_into().ok()?, number(5, 7)?, number(8, 10)?)?;
    let time = day.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?;
    let mut length = 19;
    let mut fraction = 0;
    if bytes.get(length) == Some(&b'.') {
        let digits = bytes[length + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let shown = text.get(length + 1..length + 1 + digits.min(6))?;
        fraction = format!("{shown:0<6}").parse().ok()?;
        length += 1 + digits;
    }
    for offset in ["+00:00", "+00", "Z"] {
        if text[length..].starts_with(offset) {
            length += offset.len();
            break;
        }
    }
    Some((time.and_utc().timestamp_micros() + fraction, length))
}

/// What only one of two lists has; lines that both have in another order are told too.
pub fn differences(direct: &[String], sql: &[String]) -> Vec<String> {
    if direct == sql {
        return Vec::new();
    }
    let only = |ours: &[String], theirs: &[String], sign: &str| -> Vec<String> {
        ours.iter().filter(|line| !theirs.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = only(direct, sql, "by index:    ");
    lines.extend(only(sql, direct, "by statement:"));
    if lines.is_empty() {
        let other = direct.iter().zip(sql).find(|(direct, sql)| direct != sql);
        lines.push(format!("the same lines, in another order: {other:#?}"));
    }
    lines
}
