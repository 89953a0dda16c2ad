//! Where the heads of an attention's query, key or value lie in a tensor.
//!
//! What a reader would get wrong: a [`Part`] says where rows begin and nothing of elements, so that the host and
//! devices share it. Steps count elements.

use crate::Result;

/// One row for each batch, head and position, wherever they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Part {
    pub batch: usize,
    pub heads: usize,
    pub positions: usize,
    /// Elements of a row.
    pub width: usize,
    /// Where the first row begins.
    pub offset: usize,
    /// From batch to batch, head to head, position to position.
    pub steps: [usize; 3],
    /// [batch, heads, positions, width], and not positions first.
    pub by_head: bool,
}

impl Part {
    /// [batch, heads, positions, width]
    pub fn by_head([batch, heads, positions, width]: [usize; 4]) -> Part {
        let steps = [heads * positions * width, positions * width, width];
        Part { batch, heads, positions, width, offset: 0, steps, by_head: true }
    }

    /// [batch, positions, heads, width]
    pub fn by_position([batch, positions, heads, width]: [usize; 4]) -> Part {
        let steps = [positions * heads * width, width, heads * width];
        Part { batch, heads, positions, width, offset: 0, steps, by_head: false }
    }

    /// Those of a tensor of four axes, by head, or of three, whose last one holds so many heads.
    pub fn of(shape: &[usize], heads: Option<usize>) -> Result<Part> {
        match (shape, heads) {
            (&[batch, heads, positions, width], _) => Ok(Part::by_head([batch, heads, positions, width])),
            (&[batch, positions, hidden], Some(heads)) if heads > 0 && hidden.is_multiple_of(heads) => {
                Ok(Part::by_position([batch, positions, heads, hidden / heads]))
            }
            _ => Err(err!(InvalidModel, "a tensor of {shape:?} cannot be split into heads ({heads:?})")),
        }
    }

    /// One of several that [batch, positions, heads, parts, width] packs.
    pub fn packed(shape: &[usize], heads: usize, (part, parts): (usize, usize)) -> Result<Part> {
        match *shape {
            [batch, positions, h, p, width] if h == heads && p == parts => Ok(Part {
                offset: part * width,
                steps: [positions * heads * parts * width, parts * width, heads * parts * width],
                ..Part::by_position([batch, positions, heads, width])
            }),
            _ => Err(err!(InvalidModel, "{shape:?} does not pack {parts} tensors of {heads} heads")),
        }
    }

    /// Those that lie in columns of [batch, positions, all], from one of them on.
    pub fn columns([batch, positions, all]: [usize; 3], from: usize, [heads, width]: [usize; 2]) -> Part {
        let steps = [positions * all, width, all];
        Part { offset: from, steps, ..Part::by_position([batch, positions, heads, width]) }
    }

    /// How many rows a cache of that shape has for each head; an error if it is not one of these heads.
    pub fn past(&self, cache: Option<&[usize]>) -> Result<usize> {
        match cache {
            None => Ok(0),
            Some(&[batch, heads, past, width])
                if [batch, heads, width] == [self.batch, self.heads, self.width] =>
            {
                Ok(past)
            }
            Some(shape) => Err(err!(
                InvalidModel,
                "a past of shape {shape:?} does not fit {} batches, {} heads and size {}",
                self.batch,
                self.heads,
                self.width
            )),
        }
    }

    /// Elements of all rows.
    pub fn len(&self) -> usize {
        self.batch * self.heads * self.positions * self.width
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
