//! Between the server's jsonb and its text: what pgrx's own type would take through a double and a depth of 128. [unsafe]

use std::ffi::{CStr, CString};

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, IntoDatum, pg_sys};

use crate::rules::json::Json;

/// A jsonb as an argument or a column of a function.
#[derive(Debug, Clone)]
pub struct Jsonb(pub Json);

impl FromDatum for Jsonb {
    /// # Safety
    /// The datum is a jsonb, or null.
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Jsonb> {
        if is_null {
            return None;
        }
        // SAFETY: the caller's datum is a jsonb; its text is NUL-terminated and allocated for us.
        unsafe {
            let text = pgrx::direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(datum)])?;
            let json = Json::of_text(text.to_string_lossy().into_owned());
            pg_sys::pfree(text.as_ptr().cast_mut().cast());
            Some(Jsonb(json))
        }
    }
}

/// A whole number that is a field of an object.
pub struct NumberField {
    /// None: there is no such field, or it is no number.
    pub number: Option<i64>,
    /// Is it a number that is not whole, or too large?
    pub is_other: bool,
}

impl NumberField {
    /// # Safety
    /// The datum is a jsonb.
    pub unsafe fn of(object: pg_sys::Datum, field: &str) -> NumberField {
        // SAFETY: as the caller says; the text of the field alone is allocated for us.
        let text = unsafe {
            let field = [Some(object), field.into_datum()];
            let value = pgrx::direct_function_call_as_datum(pg_sys::jsonb_object_field, &field);
            value.and_then(|value| pgrx::direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(value)]))
        };
        let text = text.map(CStr::to_bytes).filter(|text| matches!(text.first(), Some(b'-' | b'0'..=b'9')));
        let number = text.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        NumberField { number, is_other: text.is_some() && number.is_none() }
    }
}

impl IntoDatum for Jsonb {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let text = CString::new(self.0.text()).ok()?;
        // SAFETY: the text lives through the call, which copies it.
        unsafe { pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(text.as_ptr().into())]) }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

// SAFETY: as pgrx does for its own type: the argument is read as what `from_polymorphic_datum` expects.
unsafe impl<'fcx> ArgAbi<'fcx> for Jsonb {
    /// # Safety
    /// The argument is a jsonb.
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Jsonb {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| Jsonb(Json::default()))
    }

    /// # Safety
    /// The argument is a jsonb, or null.
    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Jsonb> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

// SAFETY: the datum is a jsonb, allocated by the server in the context of the call.
unsafe impl BoxRet for Jsonb {
    /// # Safety
    /// As the trait asks of whoever calls it.
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: as above.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: it is declared as the type that it is.
unsafe impl SqlTranslatable for Jsonb {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Jsonb);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
