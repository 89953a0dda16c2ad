//! Plain objects of JavaScript: options that are read, answers that are made.

use crate::error::to_js;
use edgewise_core::{Error, ErrorKind, Result};
use js_sys::{Array, JsString, Object, Reflect};
use wasm_bindgen::prelude::*;

/// An object with those properties; those that are undefined are left out.
pub fn object<const N: usize>(properties: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in properties.into_iter().filter(|(_, value)| !value.is_undefined()) {
        // An object of our own takes any property, so there is nothing to do about a failure.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

/// An array of what those become.
pub fn array<T: Into<JsValue>>(items: impl IntoIterator<Item = T>) -> JsValue {
    items.into_iter().map(Into::into).collect::<Array>().into()
}

/// Options, any of which may be left out, and all of them too.
pub struct Given<'a>(pub &'a JsValue);

impl Given<'_> {
    /// The option of that name, if it is there.
    pub fn get(&self, name: &str) -> Option<JsValue> {
        // What is no object has no properties.
        Reflect::get(self.0, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
    }

    /// Whether it is said; `or` where it is not.
    pub fn flag(&self, name: &str, or: bool) -> bool {
        self.get(name).map_or(or, |value| value.is_truthy())
    }

    /// A number that is not negative.
    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_f64().filter(|number| *number >= 0.0) {
            Some(number) => Ok(Some(number)),
            None => Err(refused(name, "a number that is not negative", &value)),
        }
    }

    pub fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_string().map(Some).ok_or_else(|| refused(name, "a string", &value))
    }

    /// Strings.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wrong = || refused(name, "an array of strings", &value);
        let array = value.dyn_ref::<Array>().ok_or_else(wrong)?;
        array.iter().map(|text| text.as_string().ok_or_else(wrong)).collect::<Result<_>>().map(Some)
    }

    /// An object of sizes, by name.
    pub fn sizes(&self, name: &str) -> Result<Vec<(String, usize)>> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let wrong = || refused(name, "an object of sizes", &value);
        let entries = Object::entries(value.dyn_ref::<Object>().ok_or_else(wrong)?);
        let entry = |entry: JsValue| {
            let entry: Array = entry.unchecked_into();
            Ok((entry.get(0).as_string().ok_or_else(wrong)?, size(entry.get(1).as_f64().ok_or_else(wrong)?)?))
        };
        entries.iter().map(entry).collect()
    }
}

/// A number of JavaScript as a size.
pub fn size(number: f64) -> Result<usize> {
    // Beyond this not every integer is a number of JavaScript.
    let fits = (0.0..=9_007_199_254_740_991.0).contains(&number) && number.fract() == 0.0;
    let size = fits.then_some(number as u64).and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| invalid(format!("expected a size, a whole number that is not negative, got {number}")))
}

/// An error about what a caller gave.
pub fn invalid(what: String) -> Error {
    Error::new(ErrorKind::InvalidInput, what)
}

fn refused(name: &str, expected: &str, got: &JsValue) -> Error {
    let got = got.as_string().map_or_else(
        || String::from(got.js_typeof().unchecked_into::<JsString>()),
        |text| format!("'{text}'"),
    );
    invalid(format!("the option '{name}' must be {expected}, got {got}"))
}

/// What goes wrong as JavaScript throws it.
pub fn thrown<T>(result: Result<T>) -> std::result::Result<T, JsValue> {
    result.map_err(to_js)
}
