// RUN: nothing, an input of test/house/passes.py
%0 = moe.route %arg0 : tensor<4xf32>
