//! Calendar, keys, journal.

use super::Case;

pub const ADMIN: &[Case] = &[
    ("SetCalendarRequest", r#"{"requestId": "r"}"#, &["calendar must be given"]),
    (
        "SetCalendarRequest",
        r#"{"requestId": "r", "calendar": {"currencyCode": "XAU", "timeZone": "Berlin", "fiscalFirstMonth": 13}}"#,
        &[
            r#"calendar.currency_code must be an ISO 4217 code of a currency in use such as "USD", got "XAU""#,
            r#"calendar.time_zone must be an IANA time zone such as "Europe/Berlin", got "Berlin""#,
            "calendar.fiscal_first_month must be 1 to 12, got 13",
            "calendar.rounding must be given",
            r#"calendar.first_period must be a period such as "2026-03", got """#,
        ],
    ),
    ("GetCalendarRequest", r#"{"asOfChange": -1}"#, &["as_of_change must not be below zero, got -1"]),
    ("CreateKeyRequest", r#"{"requestId": "r"}"#, &["key must be given"]),
    (
        "SetExchangeRatesRequest",
        r#"{"requestId": "r", "exchangeRates": [{"currencyCode": "EUR", "date": "2026-01-01", "rate": "0"},
            {"rate": "1.00000000001", "etag": -1}, {"currencyCode": "EUR", "date": "2026-01-01", "rate": "-1"}]}"#,
        &[
            r#"exchange_rates[0].rate must be above zero, got "0""#,
            r#"exchange_rates[1].currency_code must be an ISO 4217 code of a currency in use such as "USD", got """#,
            r#"exchange_rates[1].date must be a calendar day such as "2026-03-31", got """#,
            r#"exchange_rates[1].rate must have at most 10 decimals, got "1.00000000001""#,
            r#"exchange_rates[2].rate must be above zero, got "-1""#,
            "exchange_rates[2] must be given once, got EUR 2026-01-01 as in exchange_rates[0]",
            "exchange_rates[1].etag must not be below zero, got -1",
        ],
    ),
    (
        "ListExchangeRatesRequest",
        r#"{"currencyCode": "euro", "onDate": "x", "pageSize": -1}"#,
        &[
            "page_size must be 0 to 1000, got -1",
            r#"currency_code must be an ISO 4217 code of a currency in use such as "USD", got "euro""#,
            r#"on_date must be a calendar day such as "2026-03-31", got "x""#,
        ],
    ),
    (
        "CreateKeyRequest",
        r#"{"requestId": "r", "key": {"keyId": "!", "payeeId": "E-1", "role": "ROLE_ADMIN", "label": "\n"}}"#,
        &[
            r#"key.key_id must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "!""#,
            "key.payee_id must be empty for ROLE_ADMIN",
            r"key.label must have no control characters, got '\n'",
        ],
    ),
    (
        "CreateKeyRequest",
        r#"{"requestId": "r", "key": {"role": "ROLE_PAYEE"}}"#,
        &["key.payee_id must be given for ROLE_PAYEE"],
    ),
    ("CreateKeyRequest", r#"{"requestId": "r", "key": {}}"#, &["key.role must be given"]),
    (
        "RevokeKeyRequest",
        "{}",
        &["reason must not be empty", "request_id must not be empty", "key_id must not be empty"],
    ),
    (
        "ListKeysRequest",
        r#"{"pageSize": -1, "asOfChange": 5, "minChange": 8}"#,
        &[
            "as_of_change must not be before min_change 8, got 5",
            "min_change must not be after as_of_change 5, got 8",
            "page_size must be 0 to 1000, got -1",
        ],
    ),
    (
        "ListChangesRequest",
        r#"{"afterChange": -1, "pageSize": 1001}"#,
        &["after_change must not be below zero, got -1", "page_size must be 0 to 1000, got 1001"],
    ),
    (
        "ListChangesRequest",
        r#"{"filter": {"actor": "\n", "noun": 99, "key": "D-1"}}"#,
        &[
            r"filter.actor must have no control characters, got '\n'",
            "filter.noun must be a value of the enum, got 99",
        ],
    ),
    (
        "ListTouchedRequest",
        r#"{"pageSize": 1001}"#,
        &[
            "change_number must be above zero, got 0",
            "noun must be given",
            "page_size must be 0 to 1000, got 1001",
        ],
    ),
    (
        "WatchChangesRequest",
        r#"{"afterChange": -1, "untilChange": -1, "filter": {"key": "D-1"}}"#,
        &[
            "after_change must not be below zero, got -1",
            "filter.noun must be given where key is",
            "until_change must not be below zero, got -1",
        ],
    ),
    (
        "FindChangeRequest",
        r#"{"minChange": -1}"#,
        &["time must be given", "min_change must not be below zero, got -1"],
    ),
    (
        "GetAnchorRequest",
        r#"{"asOfChange": 5, "minChange": 8}"#,
        &[
            "as_of_change must not be before min_change 8, got 5",
            "min_change must not be after as_of_change 5, got 8",
        ],
    ),
    (
        "VerifyJournalRequest",
        r#"{"anchors": ["0:ab", ""], "minChange": -1}"#,
        &[
            r#"anchors[0] must be a change's number and hash, "17:9f86…", got "0:ab""#,
            r#"anchors[1] must be a change's number and hash, "17:9f86…", got """#,
            "min_change must not be below zero, got -1",
        ],
    ),
    (
        "ErasePersonalDataRequest",
        "{}",
        &[
            "reason must not be empty",
            "request_id must not be empty",
            "payee_ids must be given, or other ids or change_numbers",
        ],
    ),
    (
        "ErasePersonalDataRequest",
        r#"{"requestId": "r", "reason": "asked", "payeeIds": ["a b"], "customerIds": [""], "dealIds": ["-"],
            "keyIds": ["é"], "changeNumbers": [1, 0]}"#,
        &[
            r#"payee_ids[0] must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "a b""#,
            "customer_ids[0] must not be empty",
            r#"deal_ids[0] must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "-""#,
            r#"key_ids[0] must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got "é""#,
            "change_numbers[1] must be above zero, got 0",
        ],
    ),
];
