// RUN: moec-opt %s | moec-opt | FileCheck %s
// RUN: moec-opt %s --emit-bytecode | moec-opt | FileCheck %s

// CHECK-LABEL: func.func @check(
// CHECK-SAME:      %[[OK:.*]]: i1)
func.func @check(%ok: i1) {
  // CHECK:      kernel.check %[[OK]], "is wrong"{{$}}
  kernel.check %ok, "is wrong"
  // CHECK-NEXT: %[[NODE:.*]] = kernel.node_name "/model/Gather_7"
  %node = kernel.node_name "/model/Gather_7"
  // CHECK-NEXT: kernel.check %[[OK]], "is wrong" node %[[NODE]]
  kernel.check %ok, "is wrong" node %node
  return
}
