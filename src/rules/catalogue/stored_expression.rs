//! Expressions as the server's catalogue keeps them: a tree of nodes, written out.

/// Functions with lower numbers are the server's own.
const FIRST_OF_OTHERS: u32 = 16_384;

/// Nodes that run functions which they name, or code of the server. What is not among these may run anything: a domain's
/// checks, a type's own input, a query.
const KNOWN_NODES: &[&str] = &[
    "ARRAY",
    "ARRAYEXPR",
    "BOOLEANTEST",
    "BOOLEXPR",
    "CASE",
    "CASEEXPR",
    "CASETESTEXPR",
    "CASEWHEN",
    "COALESCE",
    "COALESCEEXPR",
    "CONST",
    "DISTINCTEXPR",
    "FUNCEXPR",
    "MINMAX",
    "MINMAXEXPR",
    "NEXTVALUEEXPR",
    "NULLIFEXPR",
    "NULLTEST",
    "OPEXPR",
    "RELABELTYPE",
    "SCALARARRAYOPEXPR",
    "SQLVALUEFUNCTION",
    "VAR",
    "WHEN",
];

/// Does the expression run functions of the server alone? What an application may replace, or what may do anything, is not.
#[must_use]
pub fn is_of_server(nodes: &str) -> bool {
    let are_known = nodes.split('{').skip(1).all(|node| {
        let name = node.split([' ', '}']).next().unwrap_or_default();
        KNOWN_NODES.contains(&name)
    });
    are_known && [":funcid ", ":opfuncid "].into_iter().all(|field| functions(nodes, field).all(is_of_servers))
}

/// The numbers that stand behind a field. 0: an operator whose function was not looked up yet; it is not known.
fn functions<'a>(nodes: &'a str, field: &'a str) -> impl Iterator<Item = Option<u32>> + 'a {
    nodes.split(field).skip(1).map(|rest| {
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
        digits.parse().ok()
    })
}

fn is_of_servers(function: Option<u32>) -> bool {
    function.is_some_and(|function| 0 < function && function < FIRST_OF_OTHERS)
}
