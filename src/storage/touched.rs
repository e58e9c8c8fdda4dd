//! What changes touched: rows they added or superseded, told from the rows themselves.
//!
//! A kind of row is a line of [`table`]; everything else here is made of it.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row as _};

use crate::domain::change::{Noun, Touched};
use crate::domain::fault::Fault;
use crate::domain::id::TenantId;

use super::{Conn, fault};

/// Keys of one kind that a change tells by itself.
const KEYS: i32 = 20;

/// Where rows of a kind are, the parts of their key as text, and whether such rows are ever superseded.
struct Table {
    name: &'static str,
    key: &'static [&'static str],
    superseded: bool,
}

fn table(noun: Noun) -> Table {
    let fact = |name, key| Table { name, key, superseded: true };
    let kept = |name, key| Table { name, key, superseded: false };
    match noun {
        Noun::Calendar => fact("calendar", &["'calendar'::text"]),
        Noun::Key => fact("api_key", &["key_id"]),
        Noun::Payee => fact("payee", &["payee_id"]),
        Noun::Assignment => fact("assignment", &["payee_id", "start_date::text"]),
        Noun::Measure => fact("measure", &["measure_id"]),
        Noun::Plan => fact("plan_version", &["plan_id", "version::text"]),
        Noun::Draft => fact("plan_draft", &["draft_id"]),
        Noun::Quota => fact("quota", &["payee_id", "measure_id", "window_id"]),
        Noun::Deal => fact("deal", &["deal_id"]),
        Noun::DealEvent => fact("deal_event", &["deal_id", "event_id"]),
        Noun::RejectedRow => fact("rejected_row", &["row_number::text"]),
        Noun::Close => kept("period_close", &["period"]),
        Noun::Posting => kept("posting", &["payee_id", "plan_id", "component_id", "window_id"]),
        Noun::Statement => kept("statement_part", &["payee_id", "period"]),
        Noun::ExchangeRate => fact("exchange_rate", &["currency", "rate_date::text"]),
        Noun::RulesAcceptance => kept("rules_acceptance", &["rules_revision::text"]),
        Noun::OutsideValue => fact("outside_value", &["payee_id", "measure_id", "value_date::text"]),
        Noun::Territory => fact("territory", &["territory_id"]),
        Noun::CreditingRule => fact("crediting_rule", &["rule_id"]),
        Noun::QuotaProposal => fact("quota_proposal", &["proposal_id"]),
        Noun::ProposalFigure => fact("proposal_figure", &["proposal_id", "payee_id"]),
    }
}

/// The tables of all kinds.
pub fn tables() -> impl Iterator<Item = &'static str> {
    Noun::ALL.into_iter().map(|noun| table(noun).name)
}

impl Table {
    /// The columns that name a change.
    fn changes(&self) -> &'static [&'static str] {
        if self.superseded { &["added_in", "removed_in"] } else { &["added_in"] }
    }

    /// The parts of the key, each under a name of its own.
    fn parts(&self) -> String {
        let parts = self.key.iter().enumerate();
        let parts: Vec<_> = parts.map(|(place, part)| format!(r#"{part} collate "C" as k{place}"#)).collect();
        parts.join(", ")
    }

    /// The names of the parts, with something between them.
    fn names(&self, between: &str) -> String {
        (0..self.key.len()).map(|place| format!("k{place}")).collect::<Vec<_>>().join(between)
    }

    /// A row for each change of $2 that touched this kind.
    // Ranges, since of an equality the planner believes, where one load wrote nearly every row, that it finds
    // them all, and reads the whole table.
    fn told(&self, noun: usize) -> String {
        let (name, parts) = (self.name, self.parts());
        let joined = self.names(" || '/' || ");
        let of = |column: &str| format!("tenant_id = $1 and {column} between n.number and n.number");
        let count = |column: &str| format!("select count(*) as rows from {name} where {}", of(column));
        let superseded = match self.superseded {
            true => count("removed_in"),
            false => "select 0::bigint as rows".to_string(),
        };
        let keys = self
            .changes()
            .iter()
            .map(|column| format!("select distinct {parts} from {name} where {}", of(column)));
        let keys = keys.collect::<Vec<_>>().join(" union ");
        let order = self.names(", ");
        format!(
            "select n.number, {noun} as noun, a.rows as added, s.rows as superseded,
                case when a.rows + s.rows <= 2 * {KEYS}
                    then array(select {joined} from ({keys}) as k order by {order} limit {KEYS} + 1)
                end as keys
            from unnest($2::bigint[]) as n (number)
                cross join lateral ({}) as a cross join lateral ({superseded}) as s
            where a.rows + s.rows > 0",
            count("added_in")
        )
    }

    /// Whether change `c` touched this kind; with a key, given as the parts in $6, rows whose keys begin with them.
    fn touched_by(&self, parts: usize) -> String {
        let parts = self.key.iter().take(parts).enumerate();
        let parts: Vec<_> =
            parts.map(|(place, part)| format!("and {part} = ($6::text[])[{}]", place + 1)).collect();
        let (name, key) = (self.name, parts.join(" "));
        let ways = self.changes().iter().map(|column| match key.is_empty() {
            true => format!(
                "exists (select from {name} t
                    where t.tenant_id = $1 and t.{column} between c.number and c.number)"
            ),
            // Few rows have a key, whatever the journal's length.
            false => format!("c.number in (select {column} from {name} where tenant_id = $1 {key})"),
        });
        ways.collect::<Vec<_>>().join(" or ")
    }
}

/// The parts of a key's text; more than the kind has name nothing.
pub(super) fn parts(key: &str) -> Vec<String> {
    if key.is_empty() { Vec::new() } else { key.split('/').map(str::to_string).collect() }
}

/// The condition that change `c` touched a kind, and of it a key, if one is given, whose parts are $6.
pub(super) fn condition(noun: Noun, key: &[String]) -> String {
    let table = table(noun);
    if key.len() > table.key.len() { "false".to_string() } else { table.touched_by(key.len()) }
}

/// What each of these changes touched, by number and kind.
pub async fn of(
    conn: &mut Conn,
    tenant: TenantId,
    numbers: &[i64],
) -> Result<BTreeMap<i64, Vec<Touched>>, Fault> {
    let mut told: BTreeMap<i64, Vec<Touched>> = BTreeMap::new();
    if numbers.is_empty() {
        return Ok(told);
    }
    let each = Noun::ALL.into_iter().enumerate().map(|(place, noun)| table(noun).told(place));
    let statement = format!("{} order by number, noun", each.collect::<Vec<_>>().join(" union all "));
    // It takes longer to plan than to do: plan it once per connection.
    sqlx::query("SET LOCAL plan_cache_mode = force_generic_plan").execute(&mut *conn).await.map_err(fault)?;
    // What is formatted are names of ours.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(tenant.0).bind(numbers);
    for row in query.fetch_all(conn).await.map_err(fault)? {
        let place: i32 = row.try_get("noun").map_err(fault)?;
        let noun = usize::try_from(place).ok().and_then(|place| Noun::ALL.get(place));
        let noun = *noun.ok_or_else(|| super::corrupt(format_args!("noun {place}")))?;
        let keys: Option<Vec<String>> = row.try_get("keys").map_err(fault)?;
        let few = |keys: &Vec<String>| i32::try_from(keys.len()).is_ok_and(|count| count <= KEYS);
        let touched = Touched {
            noun,
            added: row.try_get("added").map_err(fault)?,
            superseded: row.try_get("superseded").map_err(fault)?,
            keys: keys.filter(few).unwrap_or_default(),
        };
        told.entry(row.try_get("number").map_err(fault)?).or_default().push(touched);
    }
    Ok(told)
}

/// At most `limit` keys of a kind that a change touched, after `after`, in the order of their parts.
pub async fn keys(
    conn: &mut Conn,
    tenant: TenantId,
    number: i64,
    noun: Noun,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<String>, Fault> {
    let table = table(noun);
    let mut after = after.map(parts).unwrap_or_default();
    after.resize(table.key.len(), String::new());
    let start: Vec<_> = (1..=table.key.len()).map(|place| format!("($3::text[])[{place}]")).collect();
    let key: Vec<_> = table.key.iter().map(|part| format!(r#"{part} collate "C""#)).collect();
    let (key, start, order) = (key.join(", "), start.join(", "), table.names(", "));
    let (name, parts, joined) = (table.name, table.parts(), table.names(" || '/' || "));
    let ways = table.changes().iter().map(|column| {
        format!(
            "(select distinct {parts} from {name}
            where tenant_id = $1 and {column} = $2 and ({key}) > ({start})
            order by {order} limit $4)"
        )
    });
    let statement = format!(
        "select {joined} as key from ({}) as k order by {order} limit $4",
        ways.collect::<Vec<_>>().join(" union ")
    );
    // What is formatted are names of ours. Planned for its values: whether to walk the keys or the change's rows depends
    // on how many there are.
    let query = sqlx::query_scalar(AssertSqlSafe(statement)).persistent(false);
    let query = query.bind(tenant.0).bind(number).bind(after).bind(limit);
    query.fetch_all(conn).await.map_err(fault)
}
