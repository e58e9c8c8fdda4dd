//! `PeriodService`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};

use crate::api::convert::period::{self as convert, POSTINGS, PREVIEW, Place};
use crate::api::convert::receipt;
use crate::api::page::Paging;
use crate::api::v1::period_service_server::PeriodService;
use crate::api::{accept, v1};
use crate::app::App;
use crate::app::period::{CloseStage, CloseState};

/// The service over the use cases.
pub struct Periods(pub Arc<App>);

/// The steps of a close up to the one it ends with.
pub struct Steps {
    states: WatchStream<CloseState>,
    ended: bool,
}

impl Stream for Steps {
    type Item = Result<v1::WatchCloseResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let Some(state) = ready!(Pin::new(&mut self.states).poll_next(cx)) else {
            return Poll::Ready(None);
        };
        self.ended = !matches!(state.stage, CloseStage::Running { .. });
        let close = Some(convert::close_wire(&state));
        Poll::Ready(Some(Ok(v1::WatchCloseResponse { close })))
    }
}

#[tonic::async_trait]
impl PeriodService for Periods {
    type WatchCloseStream = Steps;

    async fn preview_period(
        &self,
        request: Request<v1::PreviewPeriodRequest>,
    ) -> Result<Response<v1::PreviewPeriodResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((period, page), token) = (convert::preview(&request)?, request.page_token.clone());
        let parameters = v1::PreviewPeriodRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, PREVIEW, &parameters);
        let preview = self.0.preview(&call, period, paging.open(page, &token)?).await?;
        let next = paging.token(preview.as_of, preview.next.as_deref());
        Ok(Response::new(convert::preview_wire(&preview, next)))
    }

    async fn close_period(
        &self,
        request: Request<v1::ClosePeriodRequest>,
    ) -> Result<Response<v1::ClosePeriodResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, period) = convert::close(&request)?;
        let close = self.0.close_period(&call, write, period).await?;
        Ok(Response::new(v1::ClosePeriodResponse { close: Some(convert::close_wire(&close)) }))
    }

    async fn accept_rules_revision(
        &self,
        request: Request<v1::AcceptRulesRevisionRequest>,
    ) -> Result<Response<v1::AcceptRulesRevisionResponse>, Status> {
        let (call, request) = accept(request)?;
        let (write, revision) = convert::accept_rules(&request)?;
        let accepted = self.0.accept_rules(&call, write, revision).await?;
        Ok(Response::new(v1::AcceptRulesRevisionResponse { receipt: Some(receipt(&accepted)) }))
    }

    async fn watch_close(&self, request: Request<v1::WatchCloseRequest>) -> Result<Response<Steps>, Status> {
        let (call, request) = accept(request)?;
        let (period, min) = convert::watch(&request)?;
        let states = self.0.watch_close(&call, period, min).await?;
        Ok(Response::new(Steps { states: WatchStream::new(states), ended: false }))
    }

    async fn list_postings(
        &self,
        request: Request<v1::ListPostingsRequest>,
    ) -> Result<Response<v1::ListPostingsResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, page), token) = (convert::postings(&request)?, request.page_token.clone());
        let parameters = v1::ListPostingsRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, POSTINGS, &parameters);
        let page = paging.open(page, &token)?;
        let calendar = self.0.calendar_since(&call, parameters.min_change).await?;
        let listed = self.0.postings(&call, query, page).await?;
        let (postings, next_page_token) = paging.page(&listed, |stored| {
            let place = Place { change: stored.change, entry: stored.entry, period: stored.period };
            convert::posting_wire(place, &stored.posting, &calendar)
        });
        let as_of_change = listed.as_of;
        Ok(Response::new(v1::ListPostingsResponse { postings, next_page_token, as_of_change }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;
    use tokio_stream::StreamExt as _;

    use super::*;
    use crate::domain::date::Period;
    use crate::domain::fault::{Fault, Reason};

    #[tokio::test]
    async fn a_watch_ends_with_the_close_although_its_sender_lives_on() {
        let state = |stage| CloseState { period: Period::parse("2026-03").unwrap(), stage };
        let (sender, states) = watch::channel(state(CloseStage::Running { done: 1, total: 3 }));
        let mut steps = Steps { states: WatchStream::new(states), ended: false };
        let first = steps.next().await.unwrap().unwrap().close.unwrap();
        assert_eq!((first.state(), first.payees_done), (v1::close::State::Running, 1));
        sender.send(state(CloseStage::Failed(Fault::new(Reason::RunBlocked, "no quota")))).unwrap();
        let last = steps.next().await.unwrap().unwrap().close.unwrap();
        assert_eq!((last.state(), last.failure.as_str()), (v1::close::State::Failed, "no quota"));
        assert!(steps.next().await.is_none());
        drop(sender);
    }
}
