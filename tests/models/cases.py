"""What `build_cases.py` builds and `test_models.py` knows of it beforehand."""

from __future__ import annotations

from eyechart.models import CNN, FNN, BiRNN, LeNet

# the least height and width, by hand
LEAST = (
    (CNN(), 10),  # 10 - 2 = 8, / 2 = 4, - 2 = 2, / 2 = 1
    (CNN(filters=[4], kernel_size=5, pool_size=3), 7),
    (CNN(filters=[4, 4, 4]), 22),
    (CNN(filters=[4, 4], kernel_size=4, pool_size=1), 7),
    (CNN(filters=[4, 4], kernel_size=1, pool_size=3), 9),
    (CNN(filters=[]), 1),
    (LeNet(), 4),
    (LeNet(filters=[4, 4, 4]), 8),
    (LeNet(filters=[4], kernel_size=9, pool_size=3), 3),
    (LeNet(filters=[4, 4], pool_size=1), 1),
    (FNN(), 1),
    (FNN(units=[]), 1),
    (BiRNN(units=3), 1),
)

# numbers of parameters layer by layer, 10 classes: a dense layer of n units on m values has m*n + n, a convolution of
# n maps with k x k filters on m maps k*k*m*n + n, a two-way LSTM of n units on m features 2 * 4 * (m*n + n*n + n)
COUNTED = (
    (FNN(), (28, 28, 1), [25_120, 528, 170]),
    (FNN(), (12, 20, 3), [23_072, 528, 170]),
    (FNN(units=[]), (16, 16, 1), [2_570]),
    (CNN(), (28, 28, 1), [320, 9_248, 51_264, 650]),  # 26, 13, 11, 5: 800 values
    (CNN(), (32, 32, 3), [896, 9_248, 73_792, 650]),  # 30, 15, 13, 6: 1,152 values
    (CNN(), (16, 16, 1), [320, 9_248, 8_256, 650]),  # 14, 7, 5, 2: 128 values
    (CNN(), (12, 20, 3), [896, 9_248, 6_208, 650]),  # 10x18, 5x9, 3x7, 1x3: 96 values
    (LeNet(), (28, 28, 1), [520, 25_050, 1_225_500, 5_010]),  # 28, 14, 7: 2,450 values
    (LeNet(), (32, 32, 3), [1_520, 25_050, 1_600_500, 5_010]),
    (LeNet(), (12, 20, 3), [1_520, 25_050, 375_500, 5_010]),
    (BiRNN(), (28, 28, 1), [103_200, 103_200, 4_010]),
    (BiRNN(), (32, 32, 3), [157_600, 157_600, 4_010]),
    (BiRNN(), (12, 20, 3), [128_800, 109_600, 4_010]),  # 12 rows of 60 features, 20 columns of 36
)

# values that only Keras knows to be wrong
WRONG = (FNN(activation="rellu"), FNN(activation="no such\nthing"))
