"""The C interface of a compiled model (moec_rt/model.h) by way of ctypes, as far as tests need it."""

import ctypes as c
import json

MAX_RANK = 16


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("device", c.c_int32), ("type", c.c_int32), ("rank", c.c_int32),
                ("reserved", c.c_int32), ("shape", c.c_int64 * MAX_RANK), ("strides", c.POINTER(c.c_int64))]


class TensorInfo(c.Structure):
    _fields_ = [("name", c.c_char_p), ("type", c.c_int32), ("rank", c.c_int32), ("shape", c.POINTER(c.c_int64))]


class StateInfo(c.Structure):
    _fields_ = [("name", c.c_char_p), ("output", c.c_char_p), ("type", c.c_int32), ("rank", c.c_int32),
                ("shape", c.POINTER(c.c_int64)), ("axis", c.c_int64)]


class ModelInfo(c.Structure):
    _fields_ = [("num_inputs", c.c_int32), ("num_outputs", c.c_int32), ("num_symbols", c.c_int32),
                ("num_states", c.c_int32), ("inputs", c.POINTER(TensorInfo)), ("outputs", c.POINTER(TensorInfo)),
                ("symbols", c.POINTER(c.c_char_p)), ("json", c.c_char_p), ("states", c.POINTER(StateInfo)),
                ("state_capacity", c.c_int64)]


class SessionOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("threads", c.c_int32), ("reserved", c.c_int32), ("allocator", c.c_void_p),
                ("executor", c.c_void_p), ("state_capacity", c.c_int64)]


class MemoryInfo(c.Structure):
    _fields_ = [("size", c.c_size_t), ("allocations", c.c_int64), ("peak_bytes", c.c_int64), ("live_bytes", c.c_int64)]


class Record(c.Structure):
    _fields_ = [(name, c.c_int64) for name in
                ("calls", "nanoseconds", "flops", "bytes", "parallel_regions", "last_start", "last_nanoseconds")]


class ProfileInfo(c.Structure):
    _fields_ = [("size", c.c_size_t), ("num_records", c.c_int64), ("records", c.POINTER(Record))]


class StateUse(c.Structure):
    _fields_ = [("size", c.c_size_t), ("rows", c.c_int64), ("capacity", c.c_int64), ("bytes", c.c_int64)]


pointer, text, size, status = c.c_void_p, c.c_char_p, c.c_size_t, c.c_int
FUNCTIONS = [
    ("load", status, [pointer, c.POINTER(pointer), text, size]), ("unload", None, [pointer]),
    ("info", c.POINTER(ModelInfo), []),
    ("create_session", status, [pointer, c.POINTER(SessionOptions), c.POINTER(pointer), text, size]),
    ("destroy_session", None, [pointer]),
    ("run", status, [pointer, c.POINTER(Tensor), c.c_int32, c.POINTER(Tensor), c.c_int32, pointer]),
    ("last_error", text, [pointer]), ("memory", status, [pointer, c.POINTER(MemoryInfo)]),
    ("profile", status, [pointer, c.POINTER(ProfileInfo)]), ("get_state", status, [pointer, c.POINTER(StateUse)]),
    ("reset_state", status, [pointer, c.c_int64]), ("truncate_state", status, [pointer, c.c_int64]),
    ("reorder_state", status, [pointer, c.POINTER(c.c_int64), c.c_int64]), ("fork_state", status, [pointer, pointer]),
    ("export_state", status, [pointer, c.c_int32, c.POINTER(Tensor)]),
]


class Table(c.Structure):
    _fields_ = [("table_size", c.c_size_t), ("abi_major", c.c_int32), ("abi_minor", c.c_int32),
                *((name, c.CFUNCTYPE(result, *arguments)) for name, result, arguments in FUNCTIONS)]


class Model:
    def __init__(self, path):
        self.library = c.CDLL(path)
        entry = self.library.moec_model_v1
        entry.restype = c.POINTER(Table)
        self.table = entry().contents
        self.handle = pointer()
        assert self.table.load(None, c.byref(self.handle), None, 0) == 0
        self.info = self.table.info().contents
        self.json = json.loads(self.info.json)
        self.inputs = [self.info.inputs[i].name.decode() for i in range(self.info.num_inputs)]
        self.outputs = [self.info.outputs[i].name.decode() for i in range(self.info.num_outputs)]
        self.states = [self.info.states[i].name.decode() for i in range(self.info.num_states)]


class Session:
    """Calls with {input name: (type, shape, bytes)}, results of the same form. 0 threads: as many as the runtime
    takes."""

    def __init__(self, model, capacity=0, threads=1):
        self.model = model
        options = SessionOptions(c.sizeof(SessionOptions), threads, 0, None, None, capacity)
        self.handle = pointer()
        assert model.table.create_session(model.handle, c.byref(options), c.byref(self.handle), None, 0) == 0

    def run(self, arrays):
        """The status and, if that is 0, the outputs."""
        inputs = (Tensor * len(self.model.inputs))()
        keep = []
        for tensor, name in zip(inputs, self.model.inputs):
            kind, shape, data = arrays[name]
            keep.append(c.create_string_buffer(data, max(len(data), 1)))
            tensor.data = c.cast(keep[-1], pointer)
            tensor.device, tensor.type, tensor.rank = 1, kind, len(shape)
            tensor.shape[:len(shape)] = shape
        outputs = (Tensor * len(self.model.outputs))()
        result = self.model.table.run(self.handle, inputs, len(inputs), outputs, len(outputs), None)
        if result:
            return result, None
        return 0, {name: read(tensor) for tensor, name in zip(outputs, self.model.outputs)}

    def call(self, name, *arguments):
        return getattr(self.model.table, name)(self.handle, *arguments)

    def last_error(self):
        return self.call("last_error").decode()

    def allocations(self):
        info = MemoryInfo(c.sizeof(MemoryInfo))
        assert self.call("memory", c.byref(info)) == 0
        return info.allocations

    def state(self):
        use = StateUse(c.sizeof(StateUse))
        assert self.call("get_state", c.byref(use)) == 0
        return use

    def export(self, name):
        tensor = Tensor()
        assert self.call("export_state", self.model.states.index(name), c.byref(tensor)) == 0
        return read(tensor)

    def node_bytes(self):
        """How many bytes each stretch of nodes has gone through, with the operators of these nodes."""
        info = ProfileInfo(c.sizeof(ProfileInfo))
        assert self.call("profile", c.byref(info)) == 0
        return [info.records[i].bytes for i in range(info.num_records)]


SIZES = {1: 4, 7: 8}  # float32, int64


def read(tensor):
    """(type, shape, bytes) of a dense tensor, or one with strides."""
    shape = tuple(tensor.shape[:tensor.rank])
    item = SIZES[tensor.type]
    if not tensor.strides:
        count = item
        for n in shape:
            count *= n
        return tensor.type, shape, c.string_at(tensor.data, count) if count else b""

    def at(dim, offset):
        if dim == len(shape):
            return c.string_at(tensor.data + offset * item, item)
        return b"".join(at(dim + 1, offset + i * tensor.strides[dim]) for i in range(shape[dim]))

    return tensor.type, shape, at(0, 0)
