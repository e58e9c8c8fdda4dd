//! Asks a server for a statement, and why its largest amount is what it is.

use std::io::Write as _;

use rust_decimal::Decimal;
use tonic::Code;

use super::{decimal, render};
use crate::api::v1;
use crate::api::v1::earnings_service_client::EarningsServiceClient;
use crate::config::Statement;
use crate::ops::client::{self, Keyed, MAX_ANSWER, refused};
use crate::ops::page;

/// Credits looked through at once for the one to explain.
const PAGE: i32 = 1000;
/// Levels of an explanation.
const DEPTH: i32 = 3;

/// Prints a payee's statement, or writes its page.
pub async fn run(options: &Statement) -> anyhow::Result<()> {
    let server = client::connect(&options.server).await?;
    let mut client = EarningsServiceClient::new(server).max_decoding_message_size(MAX_ANSWER);
    let payee_id = options.payee.as_ref().map(ToString::to_string).unwrap_or_default();
    let period = options.period.as_ref().map(ToString::to_string).unwrap_or_default();
    if let Some(path) = &options.html {
        let request = v1::GetStatementPageRequest { payee_id, period, ..Default::default() };
        let answer = client.get_statement_page(request).await;
        return page::write(
            path,
            &answer.map_err(|status| refused(&status, str::to_string))?.into_inner().page,
        );
    }
    let text = text(&mut client, &payee_id, &period).await?;
    write!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// A payee's statement as text; of the key's own payee where none is named.
pub async fn text(
    client: &mut EarningsServiceClient<Keyed>,
    payee_id: &str,
    period: &str,
) -> anyhow::Result<String> {
    let (payee_id, period) = (payee_id.to_string(), period.to_string());
    let request = v1::GetStatementRequest { payee_id, period, include_standing: true, ..Default::default() };
    let answer = client.get_statement(request).await.map_err(|status| refused(&status, str::to_string))?;
    let answer = answer.into_inner();
    let why = match &answer.statement {
        Some(statement) => why(client, statement).await?,
        None => None,
    };
    Ok(render(&answer, why.as_deref()))
}

/// The explanation of the line that earned most, or of the component where there are no lines.
async fn why(
    client: &mut EarningsServiceClient<Keyed>,
    statement: &v1::Statement,
) -> anyhow::Result<Option<String>> {
    let size = |earned: &str| decimal(earned).map_or(Decimal::ZERO, |earned| earned.abs());
    let lines = statement
        .components
        .iter()
        .flat_map(|component| component.lines.iter().map(move |line| (component, line)));
    if let Some((component, line)) = lines.max_by_key(|(_, line)| size(&line.earned))
        && let Some(path) = credit_path(client, statement, component, line).await?
    {
        return explain(client, statement, path, DEPTH).await.map(|answer| answer.map(|answer| answer.text));
    }
    let component = statement.components.iter().max_by_key(|component| size(&component.earned));
    let Some(component) = component else { return Ok(None) };
    let answer = explain(client, statement, component_path(component), DEPTH - 1).await?;
    Ok(answer.map(|answer| answer.text))
}

/// The address of a line's credit, found among the credits of its terms.
async fn credit_path(
    client: &mut EarningsServiceClient<Keyed>,
    statement: &v1::Statement,
    component: &v1::ComponentStatement,
    line: &v1::StatementLine,
) -> anyhow::Result<Option<String>> {
    let covers =
        |segment: &&v1::Segment| segment.start_date <= line.event_date && line.event_date < segment.end_date;
    let Some(segment) = component.segments.iter().find(covers) else { return Ok(None) };
    let credits = format!("{}/from-{}/credits", component_path(component), segment.start_date);
    let wanted = format!("{credits}/{}+{}+", line.deal_id, line.event_id);
    let mut request = v1::ExplainEarningRequest { page_size: PAGE, ..asking(statement, credits, 1) };
    loop {
        let Some(answer) = ask(client, request.clone()).await? else { return Ok(None) };
        let node = answer.explanation.unwrap_or_default();
        if let Some(found) = node.children.into_iter().find(|child| child.path.starts_with(&wanted)) {
            return Ok(Some(found.path));
        }
        if node.next_page_token.is_empty() {
            return Ok(None);
        }
        request.page_token = node.next_page_token;
    }
}

fn component_path(component: &v1::ComponentStatement) -> String {
    format!("{}:{}:{}", component.plan_id, component.component_id, component.window)
}

async fn explain(
    client: &mut EarningsServiceClient<Keyed>,
    statement: &v1::Statement,
    path: String,
    depth: i32,
) -> anyhow::Result<Option<v1::ExplainEarningResponse>> {
    ask(client, asking(statement, path, depth)).await
}

fn asking(statement: &v1::Statement, path: String, depth: i32) -> v1::ExplainEarningRequest {
    v1::ExplainEarningRequest {
        payee_id: statement.payee_id.clone(),
        period: statement.period.clone(),
        as_of_change: statement.as_of_change,
        path,
        depth,
        ..v1::ExplainEarningRequest::default()
    }
}

/// Asks for an explanation; `None` if there is no such node: a closed period's facts may read otherwise since.
async fn ask(
    client: &mut EarningsServiceClient<Keyed>,
    request: v1::ExplainEarningRequest,
) -> anyhow::Result<Option<v1::ExplainEarningResponse>> {
    match client.explain_earning(request).await {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(refused(&status, str::to_string)),
    }
}
