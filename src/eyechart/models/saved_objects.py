"""What a saved network may be made of: the one table, which a new layer is added to, and the check against it.

A `.keras` file describes its network in `config.json`, as objects that each name their class and its module. Keras
makes whatever of its own is named there, also layers that carry code (`Lambda`, `TorchModuleWrapper`, `JaxLayer`,
`FlaxLayer`) or read a path (`TFSMLayer`, `StringLookup`, `TextVectorization`). Here only what stands in the table is
let through, and what the code of this process has registered (`keras.saving.register_keras_serializable`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from eyechart.models.archive import CONFIG

LARGEST = 8 * 2**20  # bytes of a description; those of hundreds of layers have some 300,000
MOST_OBJECTS = 50_000  # in a description; a layer is about eight

# A line or more for each module: the names that a description may use from it. `*` stands for all operations of a
# module: pure functions of tensors, as `keras.ops.mean` and `x + y` leave them in a network. Keras' functions are said
# to come from `builtins`.
_TABLE = """
keras: Sequential DTypePolicy FloatDTypePolicy
keras.dtype_policies: DTypePolicy FloatDTypePolicy DTypePolicyMap
keras.src.models.functional: Functional

keras.layers: InputLayer Dense EinsumDense Embedding ReversibleEmbedding Identity Masking Activation
keras.layers: ReLU LeakyReLU PReLU ELU Softmax
keras.layers: Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose
keras.layers: DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D
keras.layers: MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
keras.layers: GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
keras.layers: GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
keras.layers: AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D
keras.layers: AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
keras.layers: LSTM LSTMCell GRU GRUCell SimpleRNN SimpleRNNCell RNN StackedRNNCells Bidirectional TimeDistributed
keras.layers: ConvLSTM1D ConvLSTM2D ConvLSTM3D
keras.layers: Attention AdditiveAttention MultiHeadAttention GroupQueryAttention
keras.layers: BatchNormalization LayerNormalization GroupNormalization UnitNormalization RMSNormalization
keras.layers: SpectralNormalization Normalization Rescaling Resizing CenterCrop
keras.layers: Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout GaussianNoise
keras.layers: ActivityRegularization
keras.layers: Flatten Reshape Permute RepeatVector Cropping1D Cropping2D Cropping3D
keras.layers: ZeroPadding1D ZeroPadding2D ZeroPadding3D UpSampling1D UpSampling2D UpSampling3D
keras.layers: Add Subtract Multiply Average Maximum Minimum Concatenate Dot
keras.layers: AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization MixUp Pipeline
keras.layers: RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop
keras.layers: RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue
keras.layers: RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness
keras.layers: RandomShear RandomTranslation RandomZoom Solarization

keras.initializers: Constant Identity IdentityInitializer Ones Zeros Orthogonal OrthogonalInitializer
keras.initializers: GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform
keras.initializers: RandomNormal RandomUniform TruncatedNormal VarianceScaling
keras.regularizers: L1 L1L2 L2 OrthogonalRegularizer
keras.constraints: MaxNorm MinMaxNorm NonNeg UnitNorm

keras.losses: BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy
keras.losses: CategoricalHinge CosineSimilarity Hinge Huber KLDivergence LogCosh MeanAbsoluteError MeanSquaredError
keras.losses: Poisson SparseCategoricalCrossentropy SquaredHinge
keras.metrics: AUC Accuracy BinaryAccuracy CategoricalAccuracy CategoricalCrossentropy F1Score Mean Precision Recall
keras.metrics: SparseCategoricalAccuracy SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy
keras.metrics: TopKCategoricalAccuracy
keras.optimizers: Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon Nadam RMSprop SGD
keras.optimizers.schedules: CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay
keras.optimizers.schedules: PiecewiseConstantDecay PolynomialDecay

builtins: celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
builtins: log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus
builtins: sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
builtins: binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy
builtins: categorical_hinge cosine_similarity hinge huber kl_divergence log_cosh mean_absolute_error
builtins: mean_squared_error poisson sparse_categorical_crossentropy squared_hinge
builtins: binary_accuracy categorical_accuracy sparse_categorical_accuracy
builtins: sparse_top_k_categorical_accuracy top_k_categorical_accuracy

keras.src.ops.numpy: *
keras.src.ops.nn: *
keras.src.ops.math: *
keras.src.ops.image: *
keras.src.ops.linalg: *
keras.src.ops.core: Cast SaturateCast Slice StopGradient Unstack
"""
ALL = "*"
TABLE: dict[str, set[str]] = {}
for _module, _, _names in (line.partition(": ") for line in _TABLE.split("\n") if line):
    TABLE.setdefault(_module, set()).update(_names.split())
# values, for which a description names no module, and their types: others could ask for a text of a gigabyte
VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__slice__", "__ellipsis__"}
DTYPES = {"bool", "float16", "float32", "float64", "bfloat16"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


@dataclass(frozen=True)
class Unknown:
    """An object of a description that is not in the table.

    Attributes:
        name: of its class, or of a function.
        module: that it is said to come from; may be empty.
    """

    name: str
    module: str

    def __str__(self) -> str:
        return f"'{self.name}'" + (f" of {self.module}" if self.module else "")

    @property
    def own(self) -> bool:
        """Whether it is not Keras' own. A function that somebody registered is said to come from `builtins`, too."""
        return self.module.partition(".")[0] not in ("", "builtins", "keras") or ">" in self.name


def parse(description: bytes) -> dict[str, Any]:
    """Read the description of a network.

    Raises:
        ValueError: it is too large, no JSON, or describes something else.
    """
    if len(description) > LARGEST:
        raise ValueError(f"{CONFIG} has {len(description):,} bytes, more than {LARGEST:,}")
    parsed = json.loads(description)
    if not isinstance(parsed, dict) or "class_name" not in parsed:
        raise ValueError(f"{CONFIG} describes no network")
    if sum(1 for _ in _objects(parsed)) > MOST_OBJECTS:
        raise ValueError(f"{CONFIG} has more than {MOST_OBJECTS:,} objects")
    return parsed


def find_unknown(description: dict[str, Any], registered: Collection[str]) -> Unknown | None:
    """Find the first object of a description that is not in the table.

    Args:
        description: as `parse` gives it.
        registered: the names under which the code of this process has registered classes and functions.
    """
    for described in _objects(description):
        if not (_in_table(described) or _registered_name(described) in registered):
            shown = (ascii(part)[1:-1][:100] for part in (_name(described), described.get("module") or ""))
            return Unknown(*shown)
    return None


def drop_compilation(description: dict[str, Any]) -> None:
    """Take out of a checked description how its networks were trained, which has variables of its own."""
    for described in list(_objects(description)):
        described.pop("compile_config", None)


def _objects(description: Any) -> Iterator[dict[str, Any]]:
    """Every part of a description that Keras makes an object of."""
    left = [description]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield part
            left += part.values()
        elif isinstance(part, list):
            left += part


def _in_table(described: dict[str, Any]) -> bool:
    module, name, config = described.get("module"), _name(described), described.get("config")
    if module is None:  # a value: Keras names no module for these
        return name in VALUES and isinstance(config, dict) and config.get("dtype", "bool") in DTYPES
    known = TABLE.get(module, set())
    return name in known or (ALL in known and name.isidentifier() and name[0].isupper())


def _name(described: dict[str, Any]) -> str:
    name = described["class_name"]
    return str(described.get("config") if name == "function" else name)


def _registered_name(described: dict[str, Any]) -> str | None:
    """The name under which an object is looked for among the registered ones; None: Keras looks elsewhere."""
    kind = described["class_name"]
    name = described.get("config" if kind == "function" else "registered_name")
    return name if isinstance(name, str) and not str(kind).startswith("__") else None
