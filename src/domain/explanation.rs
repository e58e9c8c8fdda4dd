//! Why a figure is what it is: a tree from the amount to the deals (semantics 1, law 4).

/// A figure and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Address of the node: the names from the root, joined by `/`.
    pub path: String,
    /// What the figure is.
    pub title: String,
    /// The figure as decimal text, if the node has one.
    pub value: Option<String>,
    /// How it is made, with its figures put in.
    pub formula: Option<String>,
    /// The facts it is made of, as `kind:id`.
    pub inputs: Vec<String>,
    /// How many children there are.
    pub child_count: usize,
    /// The children asked for, in order.
    pub children: Vec<Explanation>,
}
