"""The models of `conf/model`, some variants of them, and what is known of them beforehand, by hand."""

from __future__ import annotations

from hydra.utils import instantiate
from support import REPOSITORY

from eyechart.core.conf import read_option
from eyechart.models import CNN, CNNRNN, FNN, RNN, Architecture, BiRNN

CONFIGURED = sorted(file.stem for file in (REPOSITORY / "conf" / "model").glob("*.yaml"))
VARIANTS = {
    "birnn_gru": ("birnn", {"cell": "gru"}),
    "birnn_conv1x1": ("birnn", {"reduction": "conv1x1"}),
    "birnn_rows": ("birnn", {"directions": "rows"}),
    "birnn_columns": ("birnn", {"directions": "columns"}),
    "cnn_rnn_last": ("cnn_rnn", {"per_step": False}),
    "cnn_rnn_maps": ("cnn_rnn", {"reading": "maps"}),
    "cnn_rnn_maps_last": ("cnn_rnn", {"reading": "maps", "per_step": False}),
    "cnn_rnn_positions": ("cnn_rnn", {"reading": "positions"}),
    "cnn_rnn_positions_last": ("cnn_rnn", {"reading": "positions", "per_step": False}),
}
MODELS = (*CONFIGURED, *VARIANTS)


def architecture(name: str) -> Architecture:
    """A model of `conf/model` or of VARIANTS, as the configuration says."""
    file, changes = VARIANTS.get(name, (name, {}))
    node = read_option(REPOSITORY / "conf" / "model" / f"{file}.yaml")
    del node["name"]
    return instantiate(node, **changes, _convert_="all")


SHAPES = ((28, 28, 1), (32, 32, 3), (16, 16, 1), (12, 20, 3))

# Numbers of parameters layer by layer, for 10 classes and each of SHAPES. Of n units on m values a dense layer has
# m*n + n, a simple recurrent one m*n + n*n + n, a two-way LSTM 8 * (m*n + n*n + n), a two-way GRU 6 * (m*n + n*n + 2n);
# n maps with k x k filters on m maps are k*k*m*n + n, and their normalisation 4n.
PARAMETERS = {
    "fnn": ([25_120, 528, 170], [98_336, 528, 170], [8_224, 528, 170], [23_072, 528, 170]),
    "cnn": (
        [320, 9_248, 51_264, 650],  # 26, 13, 11, 5: 800 values
        [896, 9_248, 73_792, 650],  # 30, 15, 13, 6: 1,152 values
        [320, 9_248, 8_256, 650],  # 14, 7, 5, 2: 128 values
        [896, 9_248, 6_208, 650],  # 10x18, 5x9, 3x7, 1x3: 96 values
    ),
    "cnn_small": (
        [80, 584, 12_864, 650],
        [224, 584, 18_496, 650],
        [80, 584, 2_112, 650],
        [224, 584, 1_600, 650],
    ),
    "cnn_small_bn": (
        [80, 32, 584, 32, 12_864, 650],
        [224, 32, 584, 32, 18_496, 650],
        [80, 32, 584, 32, 2_112, 650],
        [224, 32, 584, 32, 1_600, 650],
    ),
    "cnn_strided": (
        [160, 2_064, 12_560, 170],  # 14, 7: 784 values
        [416, 2_064, 16_400, 170],  # 16, 8: 1,024 values
        [160, 2_064, 4_112, 170],  # 8, 4: 256 values
        [416, 2_064, 3_856, 170],  # 6x10, 3x5: 240 values
    ),
    "lenet": (
        [520, 25_050, 1_225_500, 5_010],  # 28, 14, 7: 2,450 values
        [1_520, 25_050, 1_600_500, 5_010],
        [520, 25_050, 400_500, 5_010],
        [1_520, 25_050, 375_500, 5_010],
    ),
    "rnn": ([3_950, 510], [7_350, 510], [3_350, 510], [5_550, 510]),
    "rnn_per_step": ([3_950, 510], [7_350, 510], [3_350, 510], [5_550, 510]),
    "birnn": (
        [103_200, 103_200, 4_010],
        [157_600, 157_600, 4_010],
        [93_600, 93_600, 4_010],
        [128_800, 109_600, 4_010],  # 12 rows of 60 features, 20 columns of 36
    ),
    "birnn_gru": (
        [78_000, 78_000, 4_010],
        [118_800, 118_800, 4_010],
        [70_800, 70_800, 4_010],
        [97_200, 82_800, 4_010],
    ),
    "birnn_conv1x1": (  # a weight a step, and a bias
        [103_200, 103_200, 29, 29, 4_010],
        [157_600, 157_600, 33, 33, 4_010],
        [93_600, 93_600, 17, 17, 4_010],
        [128_800, 109_600, 13, 21, 4_010],
    ),
    "birnn_rows": ([103_200, 2_010], [157_600, 2_010], [93_600, 2_010], [128_800, 2_010]),
    "birnn_columns": ([103_200, 2_010], [157_600, 2_010], [93_600, 2_010], [109_600, 2_010]),
    # the recurrent layer reads a row of a map, a map, or a pixel of 8 maps
    "cnn_rnn": ([80, 584, 3_950, 510], [224, 584, 4_150, 510], [80, 584, 3_350, 510], [224, 584, 3_550, 510]),
    "cnn_rnn_maps": ([80, 584, 41_750, 510], [224, 584, 53_750, 510], [80, 584, 15_350, 510], [224, 584, 14_550, 510]),
    "cnn_rnn_positions": ([80, 584, 2_950, 510], [224, 584, 2_950, 510], [80, 584, 2_950, 510], [224, 584, 2_950, 510]),
}
PARAMETERS |= {f"{name}_last": PARAMETERS[name] for name in ("cnn_rnn", "cnn_rnn_maps", "cnn_rnn_positions")}

# the least height and width
LEAST = (
    (CNN(), 10),  # 10 - 2 = 8, / 2 = 4, - 2 = 2, / 2 = 1
    (CNN(filters=[4], kernel_size=5, pool_size=3), 7),
    (CNN(filters=[4, 4, 4]), 22),
    (CNN(filters=[4, 4], kernel_size=4, pool_size=1), 7),
    (CNN(filters=[4, 4], kernel_size=1, pool_size=3), 9),
    (CNN(filters=[]), 1),
    (CNN(padding="same"), 4),
    (CNN(filters=[4, 4, 4], padding="same"), 8),
    (CNN(filters=[4], kernel_size=9, padding="same", pool_size=3), 3),
    (CNN(filters=[4, 4], padding="same", pool_size=1), 1),
    (CNN(filters=[4, 4], strides=2), 21),  # every other of 21 - 2 are 10, / 2 = 5, every other of 5 - 2 are 2, / 2 = 1
    (CNN(filters=[4, 4], pool_strides=1), 7),  # 7 - 2 = 5, - 1 = 4, - 2 = 2, - 1 = 1
    (CNN(filters=[4, 4], pool_padding="same"), 7),  # 7 - 2 = 5, / 2 rounded up = 3, - 2 = 1, stays 1
    (CNN(filters=[4, 4], kernel_size=2, strides=2, padding="same", pool_strides=1, pool_padding="same"), 1),
    (CNN(filters=[4], batch_norm=True), 4),
    (FNN(), 1),
    (FNN(units=[]), 1),
    (RNN(units=3), 1),
    (RNN(units=3, per_step=True), 1),
    (BiRNN(units=3), 1),
    (CNNRNN(filters=[3], units=3), 1),
)

# values that only Keras knows to be wrong
WRONG = (FNN(activation="rellu"), FNN(activation="no such\nthing"))
