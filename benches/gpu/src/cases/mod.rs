//! The table: what MobileNetV2, ResNet-50, MiniLM and a decoder of 135 million parameters ask of a GPU, by family.

mod attention;
mod bytes;
mod few_bits;
mod floats;
mod moves;
mod rows;

use crate::Case;

/// All cases.
pub fn all() -> Vec<Case> {
    [bytes::cases(), few_bits::cases(), floats::cases(), rows::cases(), attention::cases(), moves::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// A convolution of a square image with its channels last.
#[derive(Clone, Copy)]
struct Convolution {
    model: &'static str,
    /// Along both sides.
    size: usize,
    channels: usize,
    filters: usize,
    kernel: usize,
    stride: usize,
    /// Whether each channel has a filter of its own.
    depthwise: bool,
}

/// The convolutions of MobileNetV2 and ResNet-50 that most of their time goes to, and the odd ones.
fn convolutions() -> Vec<Convolution> {
    let of = |model, size, channels, filters, kernel, stride| {
        let depthwise = filters == 0;
        let filters = if depthwise { channels } else { filters };
        Convolution { model, size, channels, filters, kernel, stride, depthwise }
    };
    let (mobile, resnet) = ("MobileNetV2", "ResNet-50");
    vec![
        of(mobile, 224, 3, 32, 3, 2),
        of(mobile, 56, 24, 144, 1, 1),
        of(mobile, 56, 144, 24, 1, 1),
        of(mobile, 14, 96, 576, 1, 1),
        of(mobile, 7, 320, 1280, 1, 1),
        of(mobile, 112, 32, 0, 3, 1),
        of(mobile, 56, 144, 0, 3, 1),
        of(mobile, 14, 576, 0, 3, 1),
        of(mobile, 7, 960, 0, 3, 1),
        of(resnet, 224, 3, 64, 7, 2),
        of(resnet, 56, 64, 64, 3, 1),
        of(resnet, 14, 256, 256, 3, 1),
        of(resnet, 7, 512, 512, 3, 1),
        of(resnet, 56, 64, 256, 1, 1),
        of(resnet, 14, 1024, 256, 1, 1),
        of(resnet, 7, 512, 2048, 1, 1),
    ]
}

impl Convolution {
    fn name(&self) -> String {
        let Convolution { model, size, channels, filters, kernel, stride, depthwise } = *self;
        let to = if depthwise { "each".to_string() } else { filters.to_string() };
        let stride = if stride == 1 { String::new() } else { format!(" by {stride}") };
        format!("{model} {kernel}×{kernel}{stride}, {channels} → {to}, {size}×{size}")
    }

    fn groups(&self) -> usize {
        if self.depthwise { self.channels } else { 1 }
    }

    fn image(&self) -> [usize; 4] {
        [1, self.size, self.size, self.channels]
    }

    fn weights(&self) -> [usize; 4] {
        [self.filters, self.channels / self.groups(), self.kernel, self.kernel]
    }

    /// Elements of the result.
    fn results(&self) -> usize {
        self.size.div_ceil(self.stride).pow(2) * self.filters
    }

    fn products(&self) -> usize {
        self.results() * self.weights()[1..].iter().product::<usize>()
    }

    fn attrs(&self) -> Vec<(&'static str, edgewise_core::ops::Attr)> {
        use edgewise_core::ops::Attr;
        let twice = |n: usize, times| Attr::Ints(vec![n as i64; times]);
        vec![
            ("group", Attr::Int(self.groups() as i64)),
            ("strides", twice(self.stride, 2)),
            ("pads", twice(self.kernel / 2, 4)),
        ]
    }
}
