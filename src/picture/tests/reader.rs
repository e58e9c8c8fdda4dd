//! Reads pages back as a browser does, for tests: what can be seen, and what could do harm.

use std::collections::BTreeSet;

use html5ever::tendril::TendrilSink as _;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// What a browser makes of a page.
#[derive(Debug, Default)]
pub struct Page {
    /// All text, as it is seen and read out.
    pub text: String,
    /// Each text that stands apart from the line around it.
    pub apart: Vec<String>,
    /// The first class of each drawing.
    pub classes: Vec<String>,
    /// Each drawing's first class and role.
    pub drawings: Vec<(String, String)>,
    /// Names of attributes.
    pub attributes: BTreeSet<String>,
    /// What the page may load.
    pub policy: String,
}

impl Page {
    /// The words of the text.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_whitespace()
    }
}

/// Elements that pages are made of.
const KNOWN: &str = "html head meta title style body main header footer section div span p h1 h2 h3 ul ol li dl dt dd \
     table caption thead tbody tr th td details summary strong small bdi svg rect line circle text g";

/// Reads a page, which must be without a fault.
pub fn read(html: &str) -> Page {
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(html);
    assert!(dom.errors.borrow().is_empty(), "{:?}\n{html}", dom.errors.borrow());
    let mut page = Page::default();
    walk(&dom.document, &mut page);
    page
}

/// The text of a part of a page.
pub fn part(html: &str) -> String {
    read(&format!("<!DOCTYPE html><title>part</title>{html}")).text
}

/// What is within an element.
fn text(node: &Handle) -> String {
    let mut page = Page::default();
    node.children.borrow().iter().for_each(|child| walk(child, &mut page));
    page.text
}

fn walk(node: &Handle, page: &mut Page) {
    if let NodeData::Text { contents } = &node.data {
        page.text.push_str(&contents.borrow());
    }
    if let NodeData::Comment { contents } = &node.data {
        panic!("a comment: {contents}");
    }
    let NodeData::Element { name, attrs, .. } = &node.data else {
        return node.children.borrow().iter().for_each(|child| walk(child, page));
    };
    let name = name.local.to_string();
    assert!(KNOWN.split_whitespace().any(|known| known == name), "an element {name}");
    let attribute = |wanted: &str| {
        let attrs = attrs.borrow();
        attrs.iter().find(|attribute| &*attribute.name.local == wanted).map(|found| found.value.to_string())
    };
    page.attributes.extend(attrs.borrow().iter().map(|attribute| attribute.name.local.to_string()));
    match name.as_str() {
        "style" => return,
        "meta" if attribute("http-equiv").is_some() => page.policy = attribute("content").unwrap_or_default(),
        "bdi" => page.apart.push(text(node)),
        "svg" => {
            let class = attribute("class").unwrap_or_default();
            page.drawings.push((class.clone(), attribute("role").unwrap_or_default()));
            page.classes.push(class);
        }
        _ => {}
    }
    page.text.push_str(&attribute("aria-label").unwrap_or_default());
    node.children.borrow().iter().for_each(|child| walk(child, page));
    // Elements that stand in a line go on in it.
    if !matches!(name.as_str(), "span" | "strong" | "small" | "bdi") {
        page.text.push('\n');
    }
}
