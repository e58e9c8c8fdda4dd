//! The contract at the edge: wire messages to domain values and back, one use case for each rpc, no rules of
//! its own. Whatever is wrong with a request is said at once, under the paths of its fields.

pub mod admin;
pub mod convert;
pub mod deal;
pub mod earnings;
mod front;
pub mod json;
pub mod measure;
pub mod page;
pub mod payee;
pub mod performance;
pub mod period;
pub mod plan;
mod proposal;
pub mod quota;
pub mod server;
pub mod status;
pub mod territory;

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

use crate::app::Call;
use crate::auth::{Actor, Deadline};
use crate::domain::fault::{Fault, Reason};

/// Generated from `proto/attain/v1`.
#[allow(clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("attain.v1");
}

/// The contract's descriptors with options and comments, as reflection serves them.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/attain.binpb"));

/// The contract's descriptors, decoded once. Were they unreadable the pool would be empty, and so no rpc allowed.
pub fn descriptors() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap_or_default());
    &POOL
}

/// The caller and the message of a request that the gate let through.
fn accept<T>(request: tonic::Request<T>) -> Result<(Call, T), Fault> {
    let (_, extensions, message) = request.into_parts();
    let actor = extensions.get::<Actor>().cloned();
    let deadline = extensions.get::<Deadline>().copied();
    let (Some(actor), Some(Deadline { at: deadline, asked })) = (actor, deadline) else {
        tracing::error!("a request reached its handler past the gate");
        return Err(Fault::new(Reason::Internal, "internal error; the cause is in the server's log"));
    };
    Ok((Call { actor, deadline, own_deadline: asked }, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Permission, layer};

    #[test]
    fn every_rpc_has_a_permission() {
        let rules = layer::rules(descriptors());
        let rpcs: Vec<String> = descriptors()
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| format!("/{}/{}", method.parent_service().full_name(), method.name()))
            .collect();
        assert_eq!(descriptors().services().len(), 10);
        let without: Vec<_> = rpcs.iter().filter(|rpc| !rules.contains_key(*rpc)).collect();
        assert_eq!(without, Vec::<&String>::new());
    }

    #[test]
    fn permissions_and_roles_are_those_of_the_contract() {
        let values = |name: &str, prefix: &str| -> Vec<String> {
            let values = descriptors().get_enum_by_name(name).unwrap();
            let names = values.values().skip(1).map(|value| value.name().to_string());
            names.map(|name| name.strip_prefix(prefix).unwrap().to_string()).collect()
        };
        let permissions: Vec<_> = Permission::ALL.iter().map(|permission| permission.name()).collect();
        assert_eq!(values("attain.v1.Permission", "PERMISSION_"), permissions);
        let roles: Vec<_> = crate::auth::Role::ALL.iter().map(|role| role.name()).collect();
        assert_eq!(values("attain.v1.Role", "ROLE_"), roles);
    }
}
