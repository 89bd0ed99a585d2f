//! The tables that everything else follows from: roles, sizes, edges, images.

mod edges;
mod images;
mod roles;
mod sizes;

pub use edges::{EDGES, Edge, Peer, Rule, Side};
pub use images::{IMAGES, Image, image};
pub use roles::{ROLES, Role, role};
pub use sizes::{SIZES, Size, SizeSettings, size_of};
