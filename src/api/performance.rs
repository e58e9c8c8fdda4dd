//! `PerformanceService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::convert::performance::{self as convert, BOARD, PARTS, TEAM};
use crate::api::convert::team_page;
use crate::api::page::Paging;
use crate::api::v1::performance_service_server::PerformanceService;
use crate::api::{accept, v1};
use crate::app::App;

/// The service over the use cases.
pub struct Performances(pub Arc<App>);

#[tonic::async_trait]
impl PerformanceService for Performances {
    async fn get_performance(
        &self,
        request: Request<v1::GetPerformanceRequest>,
    ) -> Result<Response<v1::GetPerformanceResponse>, Status> {
        let (call, request) = accept(request)?;
        let (query, compare) = convert::performance(&request)?;
        let (figures, as_of_change) = self.0.performance(&call, query, compare).await?;
        let performance = Some(convert::performance_wire(figures));
        let rules_revision = convert::rules_revision();
        Ok(Response::new(v1::GetPerformanceResponse { performance, as_of_change, rules_revision }))
    }

    async fn list_performance(
        &self,
        request: Request<v1::ListPerformanceRequest>,
    ) -> Result<Response<v1::ListPerformanceResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, dimension, page), token) = (convert::parts(&request)?, request.page_token.clone());
        let parameters = v1::ListPerformanceRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, PARTS, &parameters);
        let page = paging.open(page, &token)?;
        let answer = self.0.performance_parts(&call, query, dimension, page).await?;
        let (parts, next_page_token) = paging.page(&answer.listed, |(_, part)| convert::part_wire(part));
        Ok(Response::new(v1::ListPerformanceResponse {
            parts,
            next_page_token,
            ..convert::parts_wire(&answer)
        }))
    }

    async fn get_team_performance(
        &self,
        request: Request<v1::GetTeamPerformanceRequest>,
    ) -> Result<Response<v1::GetTeamPerformanceResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, page), token) = (convert::team(&request)?, request.page_token.clone());
        let parameters = v1::GetTeamPerformanceRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, TEAM, &parameters);
        let rank_by = query.rank_by;
        let answer = self.0.team_performance(&call, query, paging.open(page, &token)?).await?;
        let (members, next_page_token) =
            paging.page(&answer.members, |(_, member)| convert::member_wire(member));
        Ok(Response::new(v1::GetTeamPerformanceResponse {
            members,
            next_page_token,
            ..convert::team_wire(answer, rank_by)
        }))
    }

    async fn get_team_page(
        &self,
        request: Request<v1::GetTeamPageRequest>,
    ) -> Result<Response<v1::GetTeamPageResponse>, Status> {
        let (call, request) = accept(request)?;
        let (query, page) = convert::team(&team_page::asked(request.clone()))?;
        let rank_by = query.rank_by;
        let answer = self.0.team_performance(&call, query, page).await?;
        let members = answer.members.items.iter().map(|(_, member)| convert::member_wire(member)).collect();
        let team = v1::GetTeamPerformanceResponse { members, ..convert::team_wire(answer, rank_by) };
        let (query, compare) = convert::performance(&team_page::months(&request, &team))?;
        let (year, _) = self.0.performance(&call, query, compare).await?;
        let names = self.0.names(&call, team.as_of_change, &team_page::named(&team)).await?;
        Ok(Response::new(team_page::wire(&team, &convert::performance_wire(year).months, &names)))
    }

    async fn get_leaderboard(
        &self,
        request: Request<v1::GetLeaderboardRequest>,
    ) -> Result<Response<v1::GetLeaderboardResponse>, Status> {
        let (call, request) = accept(request)?;
        let ((query, page), token) = (convert::board(&request)?, request.page_token.clone());
        let parameters = v1::GetLeaderboardRequest { page_size: 0, page_token: String::new(), ..request };
        let paging = Paging::new(&call, BOARD, &parameters);
        let figure = query.figure;
        let answer = self.0.leaderboard(&call, query, paging.open(page, &token)?).await?;
        let (lines, next_page_token) = paging.page(&answer.listed, |(_, line)| convert::line_wire(line));
        Ok(Response::new(v1::GetLeaderboardResponse {
            lines,
            next_page_token,
            ..convert::board_wire(&answer, figure)
        }))
    }
}
