//! The room as a whole: a mapping and a file in, records and reasons out.

use proptest::prelude::*;

use super::*;
use crate::domain::deal::Deal;
use crate::domain::deal::{EventKind, Outcome};
use crate::domain::number::Percent;

/// The accepted rows, the rejected ones as (row, reasons), and the totals.
type Taken = (Vec<(u64, Vec<Record>)>, Vec<(u64, Vec<String>)>, Totals);

fn take(mapping: &str, csv: &str) -> Result<Taken, FileFault> {
    let mapping = Mapping::parse(mapping).unwrap();
    let mut reader = read(&mapping, csv.as_bytes())?;
    let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
    for taken in &mut reader {
        match taken? {
            Ok(row) => accepted.push((row.row, row.records)),
            Err(row) => rejected.push((row.row, row.reasons)),
        }
    }
    let totals = reader.totals().clone();
    assert_eq!(totals.rows, totals.accepted + totals.rejected + totals.duplicates);
    Ok((accepted, rejected, totals))
}

fn deals(records: &[(u64, Vec<Record>)]) -> Vec<Deal> {
    let deal = |record: &Record| match record {
        Record::Deal(deal) => Some(deal.as_ref().clone()),
        Record::Payee(_) | Record::Quota(_) => None,
    };
    records.iter().flat_map(|(_, records)| records.iter().filter_map(deal)).collect()
}

const PIPELINE: &str = include_str!("../../examples/crm/deals.toml");
const HEADER: &str =
    "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value";

#[test]
fn deals_of_every_stage_are_read() {
    let csv = format!(
        "\u{feff}{HEADER}\r\nA1,Ann Lee,GTXPro,Gekko & Co,Won,2017-01-02,2017-03-01,1054.50\r\n\
         A2,Bo-Lu Cho,MG Special,,Prospecting,,,\r\n\r\n\
         A3, Ann Lee ,GTX Pro,\"Lee, Sons\",Lost,2017-01-02,2017-03-02,0\r\n"
    );
    let (accepted, rejected, totals) = take(PIPELINE, &csv).unwrap();
    assert_eq!(rejected, []);
    assert_eq!(accepted.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 3, 5]);
    let deals = deals(&accepted);
    let won = &deals[0];
    assert_eq!((won.id.as_str(), won.owner.as_str(), won.outcome), ("A1", "ann-lee", Outcome::Won));
    assert_eq!(won.product.as_ref().map(|id| id.as_str()), Some("gtx-pro"));
    assert_eq!(won.customer.as_ref().map(|id| id.as_str()), Some("gekko-co"));
    assert_eq!((won.amount, won.events.len()), (Some(105_450), 1));
    let booked = &won.events[0];
    assert_eq!(
        (booked.kind, booked.day.to_string().as_str(), booked.amount),
        (EventKind::Booked, "2017-03-01", Some(105_450))
    );
    let open = &deals[1];
    assert_eq!(
        (open.outcome, open.customer.is_none(), open.amount, open.events.len()),
        (Outcome::Open, true, None, 0)
    );
    let lost = &deals[2];
    assert_eq!((lost.owner.as_str(), lost.customer_name.as_deref()), ("ann-lee", Some("Lee, Sons")));
    assert_eq!((lost.outcome, lost.amount, lost.events.len()), (Outcome::Lost, Some(0), 0));
    assert_eq!(
        totals.to_string(),
        "rows 3: accepted 3, rejected 0, repeated 0\ndeals 3\n\
         deals with an amount 2, sum 1054.50 USD\nBOOKED events 1, sum 1054.50 USD"
    );
}

#[test]
fn a_rejected_row_names_everything_wrong_with_column_and_value() {
    let csv = format!(
        "{HEADER}\nA 1,Zoë,GTXPro,,Maybe,02.01.2017,2017-03-01,1e3\nA2,Ann,GTXPro,,Won,,,\nA3,Ann\nA4,,&,,,,,\n"
    );
    let (accepted, rejected, totals) = take(PIPELINE, &csv).unwrap();
    assert_eq!((accepted.len(), totals.rejected), (0, 4));
    let expected: [(u64, &[&str]); 4] = [
        (
            2,
            &[
                "id from column \"opportunity_id\" must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got \"A 1\"",
                "owner_id from column \"sales_agent\" has letters that no id can hold: name an alias for \"Zoë\"",
                "amount from column \"close_value\" must be plain decimal text such as \"1250.00\", got \"1e3\"",
                "stage from column \"deal_stage\" must be a stage that [outcome] names, got \"Maybe\"",
                "open_date from column \"engage_date\" must be a calendar day such as \"2026-03-31\", got \"02.01.2017\"",
            ],
        ),
        (
            3,
            &[
                "events[0].date from column \"close_date\" must not be empty",
                "events[0].amount from column \"close_value\" must not be empty for BOOKED",
            ],
        ),
        (4, &["the row has 2 cells, the header has 8"]),
        (
            5,
            &[
                "owner_id from column \"sales_agent\" must not be empty",
                "product_id from column \"product\" has no letter or digit to make an id of, got \"&\"",
                "stage from column \"deal_stage\" must not be empty: it decides the outcome",
            ],
        ),
    ];
    let rejected: Vec<_> = rejected
        .iter()
        .map(|(row, reasons)| (*row, reasons.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    for (got, expected) in rejected.iter().zip(expected) {
        assert_eq!((got.0, got.1.as_slice()), expected);
    }
}

const MANAGERS: &str = include_str!("../../examples/crm/managers.toml");

#[test]
fn repeated_rows_collapse_and_contradictions_are_named() {
    let csv = "sales_agent,manager,regional_office\na,Ann Lee,East\nb,Ann Lee,East\nc,Ann  Lee,East\n\
               d,Ann Lee,West\ne,Bo Cho,West\nf,Bo Cho,West\n";
    let (accepted, rejected, totals) = take(MANAGERS, csv).unwrap();
    assert_eq!(accepted.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 6]);
    assert_eq!(totals.duplicates, 2);
    assert_eq!(
        rejected,
        [
            (
                4,
                vec![
                    "id from column \"manager\" must be \"Ann Lee\" as in row 2, got \"Ann  Lee\""
                        .to_string(),
                    "name from column \"manager\" must be \"Ann Lee\" as in row 2, got \"Ann  Lee\""
                        .to_string(),
                ]
            ),
            (
                5,
                vec![
                    "manager_id from column \"regional_office\" must be \"East\" as in row 2, got \"West\""
                        .to_string(),
                    "territory_id from column \"regional_office\" must be \"East\" as in row 2, got \"West\""
                        .to_string(),
                ]
            ),
        ]
    );
}

#[test]
fn a_rejected_row_does_not_stand_in_the_way_of_a_good_one() {
    let csv = format!("{HEADER}\nA1,Ann,GTXPro,,Maybe,,,\nA1,Ann,GTXPro,,Engaging,,,\n");
    let (accepted, rejected, _) = take(PIPELINE, &csv).unwrap();
    assert_eq!((accepted.len(), accepted[0].0, rejected.len()), (1, 3, 1));
}

#[test]
fn payees_have_an_assignment_or_none_but_no_half_one() {
    let mapping = "kind = 'payees'\n[fields]\nid = { column = 'id' }\nkind = { column = 'kind', aliases = { '' = 'PERSON' } }\n\
                   start_date = { column = 'start', date = '%d.%m.%Y' }\nend_date = { column = 'end', date = '%d.%m.%Y' }\n\
                   currency = { column = 'cur' }\ntarget_incentive = { column = 'target', number = { decimal = ',', group = '.' } }";
    let csv = "id;kind;start;end;cur;target\n1;;;;;\n2;FIRM;01.02.2026;;EUR;12.345,60\n3;;;;EUR;\n\
               4;;01.02.2026;;;5\n5;;01.02.2026;01.02.2026;EUR;\n6;;31.02.2026;;JPY;0,5\n";
    let mapping = format!("{mapping}\n[csv]\ndelimiter = ';'");
    let (accepted, rejected, _) = take(&mapping, csv).unwrap();
    let [(2, none), (3, one)] = accepted.as_slice() else { panic!("{accepted:?}") };
    assert!(matches!(none.as_slice(), [Record::Payee(payee)] if payee.assignments.is_empty()));
    let [Record::Payee(one)] = one.as_slice() else { panic!("{one:?}") };
    assert_eq!(one.assignments[0].target_incentive, Some(1_234_560));
    assert_eq!(one.assignments[0].from.to_string(), "2026-02-01");
    let reasons: Vec<_> = rejected.iter().map(|(row, reasons)| (*row, reasons.join("; "))).collect();
    assert_eq!(
        reasons,
        [
            (4, "start_date from column \"start\" must not be empty in a row that has an assignment".to_string()),
            (5, "currency from column \"cur\" must not be empty in a row that has an assignment".to_string()),
            (6, "payee.assignments[0].end_date must be after start_date 2026-02-01, got 2026-02-01".to_string()),
            (
                7,
                "start_date from column \"start\" must be a calendar day written as \"%d.%m.%Y\", got \"31.02.2026\"; \
                 target_incentive from column \"target\" must have at most 0 decimals, got \"0.5\" (the cell holds \"0,5\")"
                    .to_string()
            ),
        ]
    );
}

#[test]
fn a_quota_row_makes_a_quota_for_each_window() {
    let mapping = "kind = 'quotas'\nwindows = ['FY2026-Q1', 'FY2026-Q2']\n[fields]\npayee_id = { column = 'payee' }\n\
                   measure_id = { constant = 'bookings' }\namount = { column = 'goal' }";
    let csv = "payee,goal\na,100.50\nb,-1\na,100.50\na,100.5\nc,0\n";
    let (accepted, rejected, totals) = take(mapping, csv).unwrap();
    let quotas: Vec<_> = accepted
        .iter()
        .flat_map(|(_, records)| records)
        .map(|record| match record {
            Record::Quota(quota) => {
                format!("{} {} {} {:?}", quota.payee, quota.measure, quota.window, quota.goal)
            }
            Record::Payee(_) | Record::Deal(_) => String::new(),
        })
        .collect();
    assert_eq!(
        quotas,
        [
            r#"a bookings FY2026-Q1 Amount("100.50")"#,
            r#"a bookings FY2026-Q2 Amount("100.50")"#,
            r#"c bookings FY2026-Q1 Amount("0")"#,
            r#"c bookings FY2026-Q2 Amount("0")"#
        ]
    );
    assert_eq!(
        rejected,
        [
            (3, vec!["amount from column \"goal\" must not be below zero, got \"-1\"".to_string()]),
            (
                5,
                vec!["amount from column \"goal\" must be \"100.50\" as in row 2, got \"100.5\"".to_string()]
            ),
        ]
    );
    assert_eq!(totals.to_string(), "rows 5: accepted 2, rejected 2, repeated 1\nquotas 4, sum 201");
}

#[test]
fn a_quota_is_in_money_or_in_units() {
    let mapping = "kind = 'quotas'\nwindows = ['FY2026']\n[fields]\npayee_id = { column = 'payee' }\n\
                   measure_id = { column = 'measure' }\namount = { column = 'goal' }\nunits = { column = 'pieces' }";
    let csv = "payee,measure,goal,pieces\na,bookings,100.50,\na,pieces,,2.5\nb,pieces,1,1\nc,pieces,,\nd,pieces,,-1\n";
    let (accepted, rejected, totals) = take(mapping, csv).unwrap();
    let goals: Vec<_> = accepted.iter().flat_map(|(_, records)| records).collect();
    let [Record::Quota(money), Record::Quota(units)] = goals[..] else { panic!("{goals:?}") };
    assert_eq!(
        (&money.goal, &units.goal),
        (&QuotaGoal::Amount("100.50".into()), &QuotaGoal::Units("2.5".into()))
    );
    let reasons: Vec<_> =
        rejected.iter().map(|(row, reasons)| format!("{row}: {}", reasons.join("; "))).collect();
    assert_eq!(
        reasons,
        [
            "4: amount and units must not both be given: a measure counts money or a number",
            "5: amount and units must not both be empty",
            "6: units from column \"pieces\" must not be below zero, got \"-1\"",
        ]
    );
    assert_eq!(
        totals.to_string(),
        "rows 5: accepted 2, rejected 3, repeated 0\nquotas 1, sum 100.5\nquotas in units 1, sum 2.5"
    );
}

const SPLIT: &str = r#"
    kind = "deals"
    [fields]
    id = { column = "id" }
    owner_id = { column = "owner" }
    currency = { column = "cur" }
    outcome = { column = "state", aliases = { "true" = "WON", "false" = "OPEN" } }
    [[events]]
    id = { constant = "paid" }
    type = { constant = "PAID" }
    date = { column = "paid_on" }
    amount = { column = "paid" }
    [[splits]]
    payee_id = { column = "owner" }
    role = { constant = "AE" }
    percent = { column = "share" }
    [[splits]]
    payee_id = { column = "second" }
    role = { constant = "AE" }
    percent = { column = "second_share" }
    [attributes]
    region = { column = "region" }
"#;

#[test]
fn parts_are_there_where_a_column_of_theirs_is_filled() {
    let csv = "id,owner,cur,state,paid_on,paid,share,second,second_share,region\n\
               1,a,USD,true,2026-03-01,10,60,b,40,north\n2,a,JPY,false,,,100,,,\n\
               3,a,USD,true,,10,100,,,\n4,a,USD,true,,,60,b,,\n5,a,USD,true,,,60,b,39,\n6,a,USD,,,,100,,,\n";
    let (accepted, rejected, totals) = take(SPLIT, csv).unwrap();
    let deals = deals(&accepted);
    let percents: Vec<_> =
        deals[0].splits.iter().map(|split| (split.payee.as_str(), split.percent)).collect();
    assert_eq!(percents, [("a", Percent::parse("60").unwrap()), ("b", Percent::parse("40").unwrap())]);
    assert_eq!(deals[0].attributes.get("region").map(String::as_str), Some("north"));
    assert_eq!((deals[1].splits.len(), deals[1].events.len(), deals[1].attributes.len()), (1, 0, 0));
    let reasons: Vec<_> = rejected.iter().map(|(row, reasons)| (*row, reasons.join("; "))).collect();
    assert_eq!(
        reasons,
        [
            (4, "events[0].date from column \"paid_on\" must not be empty".to_string()),
            (5, "splits[1].percent from column \"second_share\" must not be empty".to_string()),
            (6, "deal.splits must sum to exactly 100 percent without overlays, got 99".to_string()),
            (7, "outcome from column \"state\" must not be empty".to_string()),
        ]
    );
    assert_eq!(totals.deal_amounts.len(), 0);
    assert_eq!(totals.events.values().map(|sum| (sum.count, sum.amount)).collect::<Vec<_>>(), [(1, 1000)]);
}

#[test]
fn the_worked_example_of_the_manual_is_true() {
    let manual = include_str!("../../docs/import.md");
    let block = |start: &str| {
        let block = manual.split("```").find(|block| block.starts_with(start)).unwrap();
        block.split_once('\n').unwrap().1
    };
    let (accepted, rejected, _) =
        take(block("toml\nkind = \"deals\"\n\n[csv]"), block("\nAuftrag;")).unwrap();
    let deals = deals(&accepted);
    let shares = |deal: &Deal| -> Vec<String> {
        deal.splits.iter().map(|split| format!("{} {}", split.payee, split.percent)).collect()
    };
    assert_eq!(
        (deals[0].id.as_str(), deals[0].owner.as_str(), deals[0].amount),
        ("A-17", "lea-braun", Some(1_250_000))
    );
    assert_eq!(shares(&deals[0]), ["jon-falk 40", "lea-braun 60"]);
    assert_eq!(deals[0].events[0].day.to_string(), "2026-03-31");
    assert_eq!((deals[1].outcome, deals[1].amount, deals[1].events.len()), (Outcome::Open, None, 0));
    assert_eq!(shares(&deals[1]), ["jon-falk 100"]);
    assert_eq!((rejected.len(), rejected[0].0, rejected[0].1.len()), (1, 4, 4), "{rejected:?}");
}

#[test]
fn a_file_with_the_wrong_columns_is_refused_with_all_of_them() {
    let fault = take(MANAGERS, "manager;regional_office\n").unwrap_err();
    assert_eq!(
        fault.to_string(),
        "file lacks columns: \"manager\", \"regional_office\"; it has \"manager;regional_office\" \
         (one column: is the delimiter right?)"
    );
    let fault = take(MANAGERS, "manager,x,regional_office,x, manager ,,\n").unwrap_err();
    assert_eq!(fault, FileFault::ColumnsRepeated(vec!["x".into(), "manager".into()]));
    assert_eq!(take(MANAGERS, "").unwrap_err(), FileFault::Empty);
    assert_eq!(take(MANAGERS, "\u{feff}\n\n").unwrap_err(), FileFault::Empty);
    assert_eq!(take(MANAGERS, "regional_office,manager").map(|(.., totals)| totals.rows), Ok(0));
}

#[test]
fn a_broken_file_ends_with_its_fault() {
    let mapping = Mapping::parse(MANAGERS).unwrap();
    let mut reader =
        read(&mapping, &b"manager,regional_office\nAnn,East\nBo,\"We\"st\nCy,West\n"[..]).unwrap();
    assert!(matches!(reader.next(), Some(Ok(Ok(row))) if row.row == 2));
    assert_eq!(reader.next(), Some(Err(FileFault::AfterQuote(3))));
    assert_eq!(reader.next(), None);
}

proptest! {
    #[test]
    fn any_bytes_behind_a_good_header_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mapping = Mapping::parse(PIPELINE).unwrap();
        let file = [format!("{HEADER}\n").as_bytes(), &bytes].concat();
        for taken in read(&mapping, file.as_slice()).unwrap() {
            let _ = taken;
        }
        let _ = read(&mapping, bytes.as_slice()).map(Iterator::count);
    }

    #[test]
    fn any_cells_make_a_record_or_reasons(rows in prop::collection::vec(prop::collection::vec("[^\0]{0,12}", 8), 1..6)) {
        let mapping = Mapping::parse(PIPELINE).unwrap();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(HEADER.split(',')).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        for taken in read(&mapping, writer.into_inner().unwrap().as_slice()).unwrap() {
            if let Err(rejected) = taken.unwrap() {
                let place = usize::try_from(rejected.row).unwrap() - 2;
                prop_assert_eq!(&rejected.cells, &rows[place]);
                prop_assert!(!rejected.reasons.is_empty());
            }
        }
    }
}

#[test]
fn source_versions_are_numbers_or_instants_and_tell_states_of_a_deal_apart() {
    let mapping = PIPELINE.replace("[outcome]", "source_version = { column = \"changed\" }\n[outcome]");
    let row = |id: &str, stage: &str, changed: &str| {
        format!("{id},Ann Lee,GTXPro,Gekko,{stage},2017-01-02,2017-03-01,10,{changed}\n")
    };
    let csv = [
        format!("{HEADER},changed\n"),
        row("A1", "Engaging", "1970-01-01T00:00:01Z"),
        row("A1", "Won", "1970-01-01T01:00:02.5+01:00"),
        row("A1", "Won", "1970-01-01T00:00:01Z"),
        row("A1", "Engaging", "1970-01-01T00:00:01Z"),
        row("A2", "Won", "17"),
        row("A3", "Won", ""),
        row("A4", "Won", "2017-03-01 09:30"),
    ];
    let (accepted, rejected, totals) = take(&mapping, &csv.concat()).unwrap();
    let versions: Vec<_> = deals(&accepted)
        .iter()
        .map(|deal| (deal.id.to_string(), deal.source_version.map(|version| version.get())))
        .collect();
    let expected = [("A1", Some(1_000_000)), ("A1", Some(2_500_000)), ("A2", Some(17)), ("A3", None)];
    assert_eq!(versions, expected.map(|(id, version)| (id.to_string(), version)));
    assert_eq!(totals.duplicates, 1);
    let rows: Vec<_> = rejected.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, [4, 8]);
    assert_eq!(
        rejected[0].1[0],
        "stage from column \"deal_stage\" must be \"Engaging\" as in row 2, got \"Won\""
    );
    assert!(
        rejected[1].1[0].starts_with("source_version from column \"changed\" must be a number"),
        "{rejected:?}"
    );
}
