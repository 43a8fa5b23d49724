"""Event files by TensorBoard itself (2.21: its protobuf classes and its record writer).

python3 tensorboard_events.py --fixture FILE   writes the file that src-main/tracking/tensorboard.test.ts compares with
python3 tensorboard_events.py --read FOLDER    prints JSON: what TensorBoard's own loader finds there
"""
import json
import os
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

START = 1764500000.25


def value(tag, plugin, content=b'', text=None):
    metadata = summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin, content=content))
    made = summary_pb2.Summary.Value(tag=tag, metadata=metadata)
    if text is not None:
        shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
        made.tensor.CopyFrom(
            tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=[text.encode()]))
    return made


def summary(wall_time, *values, step=0):
    return event_pb2.Event(wall_time=wall_time, step=step, summary=summary_pb2.Summary(value=values))


def scalars(wall_time, step, values):
    made = [summary_pb2.Summary.Value(tag=tag, simple_value=number) for tag, number in values]
    return summary(wall_time, *made, step=step)


def fixture(file):
    start = plugin_data_pb2.SessionStartInfo(start_time_secs=START)
    start.hparams['keepBest'].bool_value = False
    start.hparams['method.type'].string_value = 'lora'
    start.hparams['train.lr'].number_value = 0.0003
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=START + 9)
    hparams = 'hparams'
    content = plugin_data_pb2.HParamsPluginData(session_start_info=start).SerializeToString(deterministic=True)
    ended = plugin_data_pb2.HParamsPluginData(session_end_info=end).SerializeToString(deterministic=True)
    table = '| setting | value |\n| --- | --- |\n| keepBest | false |\n| method.type | lora |\n| train.lr | 0.0003 |'
    step = lambda loss, rate: [
        ('train/loss', loss), ('train/learning_rate', rate), ('train/grad_norm', 0.5),
        ('train/tokens_per_second', 1234.5), ('train/memory_bytes', 2.0**31), ('train/step_ms', 40.25)]
    events = [
        event_pb2.Event(wall_time=START, file_version='brain.Event:2'),
        summary(START, value('settings/text_summary', 'text', text=table)),
        summary(START, value('notes/text_summary', 'text', text='Grüße, wider')),
        summary(START, value('_hparams_/session_start_info', hparams, content)),
        scalars(START, 0, [('eval/loss', 4.5)]),
        scalars(START + 1, 1, step(4.25, 0.0)),
        scalars(START + 2, 300, step(0.0, 0.0003)),
        scalars(START + 2, 300, [('eval/loss', 3.125)]),
        summary(START + 9, value('_hparams_/session_end_info', hparams, ended)),
    ]
    with open(file, 'wb') as target:
        writer = RecordWriter(target)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))


def read(folder):
    found = {}
    for run in sorted(os.listdir(folder)):
        accumulator = event_accumulator.EventAccumulator(os.path.join(folder, run), {'scalars': 0, 'tensors': 0})
        accumulator.Reload()
        tags = accumulator.Tags()
        found[run] = {
            'scalars': {tag: [[e.step, e.wall_time, e.value] for e in accumulator.Scalars(tag)]
                        for tag in tags['scalars']},
            'text': {tag: accumulator.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in tags['tensors']},
            'hparams': {tag: str(plugin_data_pb2.HParamsPluginData.FromString(content))
                        for tag, content in accumulator.PluginTagToContent('hparams').items()},
        }
    print(json.dumps(found))


if __name__ == '__main__':
    {'--fixture': fixture, '--read': read}[sys.argv[1]](sys.argv[2])
