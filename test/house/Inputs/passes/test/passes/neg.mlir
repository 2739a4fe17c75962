// CHECK: math.absf %x
%0 = onnx.node "Neg"(%arg0)
