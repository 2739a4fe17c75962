// RUN: moec-opt %s | moec-opt | FileCheck %s

// CHECK: moe.state @past.0 axis 1 capacity 16 present "present.0" : tensor<?x?x4xf32>
moe.state @past.0 axis 1 capacity 16 present "present.0" : tensor<?x?x4xf32>

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[ROWS:.*]]: tensor<?x1x4xf32>, %[[PAST:.*]]: tensor<?x?x4xf32> {moe.state = @past.0})
func.func @main(%rows: tensor<?x1x4xf32>, %past: tensor<?x?x4xf32> {moe.state = @past.0}) -> tensor<?x?x4xf32> {
  // CHECK: moe.cache_append %[[ROWS]] to %[[PAST]] in @past.0 : tensor<?x1x4xf32>, tensor<?x?x4xf32> -> tensor<?x?x4xf32>
  %all = moe.cache_append %rows to %past in @past.0 : tensor<?x1x4xf32>, tensor<?x?x4xf32> -> tensor<?x?x4xf32>
  return %all : tensor<?x?x4xf32>
}
