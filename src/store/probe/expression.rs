//! Expressions and conditions of indexes, as a probe asks for them. [unsafe]
//!
//! Compared as the server keeps them and not as it writes them: what it writes hangs on the path of the session.

use std::ffi::{CString, c_char, c_void};

use pgrx::{FromDatum, pg_sys};

use crate::store::hooks::items;
use crate::store::labels::enum_label;

/// What an expression says.
pub enum Shape {
    Column(&'static str),
    /// An enum's value with this label.
    Label(&'static str),
    Text(&'static str),
    /// The instant `infinity`.
    Forever,
    /// A function, or an operator's.
    Call(u32, &'static [Shape]),
    Coalesce(&'static [Shape]),
    Least(&'static [Shape]),
    Greatest(&'static [Shape]),
    Not(&'static [Shape]),
}

impl Shape {
    /// Does this expression of a table say the same?
    ///
    /// # Safety
    /// A node of an expression of an index of this table.
    pub unsafe fn is(&self, node: *mut c_void, table: pg_sys::Oid) -> bool {
        use pg_sys::NodeTag;
        // SAFETY: as the caller says; a node's tag tells its type. Lists are the node's own.
        unsafe {
            let all = |list: *mut pg_sys::List, shapes: &[Shape]| {
                items(list).count() == shapes.len()
                    && items(list).zip(shapes).all(|(node, shape)| shape.is(node, table))
            };
            match ((*node.cast::<pg_sys::Node>()).type_, self) {
                (NodeTag::T_Var, Shape::Column(name)) => CString::new(*name).is_ok_and(|name| {
                    let (column, wanted) =
                        ((*node.cast::<pg_sys::Var>()).varattno, pg_sys::get_attnum(table, name.as_ptr()));
                    // 0 is the whole row, or no column of the name.
                    wanted > 0 && column == wanted
                }),
                (NodeTag::T_Const, shape) => shape.is_constant(&*node.cast()),
                (NodeTag::T_FuncExpr, Shape::Call(function, shapes)) => {
                    let call = &*node.cast::<pg_sys::FuncExpr>();
                    call.funcid.to_u32() == *function && is_plain(call.inputcollid) && all(call.args, shapes)
                }
                (NodeTag::T_OpExpr, Shape::Call(function, shapes)) => {
                    let call = &*node.cast::<pg_sys::OpExpr>();
                    call.opfuncid.to_u32() == *function && is_plain(call.inputcollid) && all(call.args, shapes)
                }
                (NodeTag::T_CoalesceExpr, Shape::Coalesce(shapes)) => {
                    all((*node.cast::<pg_sys::CoalesceExpr>()).args, shapes)
                }
                (NodeTag::T_MinMaxExpr, Shape::Least(shapes)) => {
                    let choice = &*node.cast::<pg_sys::MinMaxExpr>();
                    choice.op == pg_sys::MinMaxOp::IS_LEAST && all(choice.args, shapes)
                }
                (NodeTag::T_MinMaxExpr, Shape::Greatest(shapes)) => {
                    let choice = &*node.cast::<pg_sys::MinMaxExpr>();
                    choice.op == pg_sys::MinMaxOp::IS_GREATEST && all(choice.args, shapes)
                }
                (NodeTag::T_BoolExpr, Shape::Not(shapes)) => {
                    let not = &*node.cast::<pg_sys::BoolExpr>();
                    not.boolop == pg_sys::BoolExprType::NOT_EXPR && all(not.args, shapes)
                }
                _ => false,
            }
        }
    }

    /// # Safety
    /// A constant of an expression.
    unsafe fn is_constant(&self, constant: &pg_sys::Const) -> bool {
        let (kind, value) = (constant.consttype, constant.constvalue);
        // SAFETY: a value of the type that the constant says; an enum's is an OID.
        unsafe {
            match self {
                _ if constant.constisnull => false,
                Shape::Label(label) => {
                    pg_sys::get_typtype(kind) == pg_sys::TYPTYPE_ENUM as c_char
                        && enum_label(pg_sys::Oid::from(value.value() as u32)).as_deref() == Some(label)
                }
                Shape::Text(text) => {
                    kind == pg_sys::TEXTOID && <&str>::from_datum(value, false).is_some_and(|found| found == *text)
                }
                Shape::Forever => kind == pg_sys::TIMESTAMPTZOID && value.value() as i64 == i64::MAX,
                _ => false,
            }
        }
    }
}

/// No collation, or one in which different texts differ.
pub fn is_plain(collation: pg_sys::Oid) -> bool {
    // SAFETY: reads the syscache: a collation that something depends on.
    collation == pg_sys::InvalidOid || unsafe { pg_sys::get_collation_isdeterministic(collation) }
}
