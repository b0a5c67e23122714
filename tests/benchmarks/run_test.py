"""Tests of what makes timings a table."""

import json
from pathlib import Path
from unittest import mock

import tensorflow as tf

from benchmarks import experiments, results, run, tensorflow_side, worker
from benchmarks.results import Row
from keras_itm.models.segmenter import Segmenter
from keras_itm.networks.unet_3d import unet_3d

_FACTS = {'parameters': {'network': 5}, 'layout': 'channels_last', 'flops': 8_000_000_000}


def _calls(*totals: float, **stages: float) -> list[dict[str, float]]:
  return [{'total': total, **stages} for total in totals]


class ResultsTest(tf.test.TestCase):
  def test_median_is_of_all_calls_and_by_stage(self):
    calls = [{'total': 3.0, 'write': 1.0}, {'total': 1.0}, {'total': 8.0, 'write': 2.0}]
    self.assertEqual(results.median(calls), 3.0)
    self.assertEqual(results.median(calls, 'write'), 1.0)
    self.assertEqual(results.median(calls, 'injection'), 0.0)
    with self.assertRaisesRegex(ValueError, 'no call'):
      results.median([])

  def test_ratio_is_our_median_over_theirs(self):
    row = results.compared('step', _calls(1.0, 1.4, 9.0), _calls(2.0, 1.9, 2.1), 0.7)
    self.assertEqual((row.value, row.reference), (1.4, 2.0))
    self.assertAlmostEqual(row.ratio, 0.7)
    self.assertTrue(row.met)
    self.assertFalse(results.compared('step', _calls(1.41), _calls(2.0), 0.7).met)
    self.assertIsNone(results.compared('step', _calls(1.41), _calls(2.0), None).met)

  def test_computing_rate_is_measured_against_the_better_matrix_product(self):
    peak = results.matrix_rate([_calls(0.5), _calls(0.4, 9.0, 0.1)], 80_000_000_000)
    self.assertAlmostEqual(peak, 200.0)
    row = results.computing_rate('inference', _calls(2.0), 340_000_000_000, peak, 0.85)
    self.assertAlmostEqual(row.value, 170.0)
    self.assertAlmostEqual(row.ratio, 0.85)
    self.assertTrue(row.met)
    self.assertFalse(results.computing_rate('', _calls(2.1), 340_000_000_000, peak, 0.85).met)

  def test_synthesis_is_per_volume_and_split_by_stage(self):
    stages = {'lesion': 0.4, 'injection': 0.04, 'translation': 6.0, 'write': 0.8, 'read': 0.4}
    whole = _calls(8.0, **stages)
    alone = _calls(6.4, lesion=0.4, translation=6.0)
    rows = {row.name.split()[-1]: row for row in results.synthesis_rows(whole, alone, 4, 1.15)}
    self.assertEqual((rows['volume'].value, rows['volume'].reference), (2.0, 1.6))
    self.assertFalse(rows['volume'].met)
    self.assertEqual((rows['rate'].value, rows['rate'].unit), (0.5, 'volumes/s'))
    self.assertEqual(
      {name: rows[name].value for name in stages}, {name: s / 4 for name, s in stages.items()}
    )
    self.assertEqual((rows['translation'].ratio, rows['write'].ratio), (1.0, None))

  def test_table_says_value_ratio_target_and_whether_it_is_met(self):
    rows = [
      Row('U-Net', 1.2, reference_name='PyTorch', reference=1.6, at_most=0.7, note='batch 1'),
      Row('Rate', 190.0, 'GFLOP/s', 'matrix product', 200.0, at_least=0.85),
      Row('Reading', 140.0, 'volumes/s'),
    ]
    lines = [line.split() for line in results.table(rows).splitlines()]
    self.assertEqual(
      lines[1], ['U-Net', '1.200', 's', 'PyTorch', '1.600', '0.75', '<=', '0.70', 'NO', 'batch', '1']
    )
    self.assertEqual(lines[2][-5:], ['200.000', '0.95', '>=', '0.85', 'yes'])
    self.assertEqual(lines[3], ['Reading', '140.000', 'volumes/s'])

  def test_row_as_json_holds_ratio_and_verdict(self):
    fields = json.loads(json.dumps(Row('x', 1.0, 's', 'y', 4.0, at_most=0.2).to_json()))
    self.assertEqual((fields['ratio'], fields['met'], fields['at_most']), (0.25, False, 0.2))


class ExperimentsTest(tf.test.TestCase):
  def test_targets_are_those_agreed(self):
    targets = {}
    for experiment in experiments.EXPERIMENTS:
      facts = {each: {**_FACTS, 'volumes': 4, 'memory_mib': 8.0} for each in experiment.runs}
      calls = {each: _calls(1.0, lesion=0.1, translation=0.8) for each in experiment.runs}
      targets |= {row.name: row.target for row in experiment.rows(facts, calls) if row.target}
    self.assertEqual(
      targets,
      {
        'U-Net train step': '<= 0.70',
        'Pix2Pix train step': '<= 0.80',
        'Pix2Pix inference, 32 slices, rate': '>= 0.85',
        'SPADE train step': '<= 0.85',
        'StyleGAN2, 16 train steps': '<= 0.80',
        'Synthesis, a volume': '<= 1.15',
      },
    )

  def test_pytorch_is_the_reference(self):
    experiment = experiments.EXPERIMENTS[0]
    calls = {run_: _calls(1.0 if run_[0] == 'tensorflow' else 4.0) for run_ in experiment.runs}
    (row,) = experiment.rows(dict.fromkeys(experiment.runs, _FACTS), calls)
    self.assertEqual(row.ratio, 0.25)
    self.assertIn('channels_last', row.note)

  def test_memory_is_per_volume(self):
    (experiment,) = [one for one in experiments.EXPERIMENTS if not one.is_timed]
    facts = {
      run_: {'memory_mib': 60.0 if run_[0] == 'tensorflow' else 80.0} for run_ in experiment.runs
    }
    (row,) = experiment.rows(facts, {})
    # 32 slices are two volumes of 16.
    self.assertEqual((row.value, row.reference, row.unit), (30.0, 40.0, 'MiB'))
    self.assertEqual(experiment.rows({each: {'memory_mib': None} for each in facts}, {}), [])

  def test_stacks_are_compared_case_by_case(self):
    networks = ('unet', 'pix2pix', 'spade', 'flow', 'style_gan', 'lesion_gan')
    cases = [f'{name}_{what}' for name in networks for what in ('train', 'inference')]
    found = [list(experiment.runs) for experiment in experiments.OTHER_STACK_EXPERIMENTS]
    self.assertEqual(found, [[('tensorflow', case), ('other_stack', case)] for case in cases])
    calls = {each: _calls(9.0, cpu=1.0 if each[0] == 'tensorflow' else 2.0) for each in found[0]}
    (row,) = experiments.OTHER_STACK_EXPERIMENTS[0].rows({}, calls)
    self.assertEqual((row.value, row.ratio, row.reference_name), (1.0, 0.5, 'other stack'))


class _FakeWorker:
  """Notes what it is asked; a call takes as many seconds as there were requests before it."""

  def close(self):
    self._log.append((id(self), 'close'))

  def __init__(self, log: list, parameters: int = 5):
    self._log = log
    self._facts = {**_FACTS, 'parameters': {'network': parameters}}

  def ask(self, verb: str, case: str, *args):
    self._log.append((id(self), verb))
    return {'prepare': self._facts, 'time': _calls(float(len(self._log))), 'release': None}[verb]


@mock.patch.object(run, '_REST_SECONDS', 0.0)
class RunTest(tf.test.TestCase):
  def test_sides_take_turns(self):
    log = []
    ours, theirs = _FakeWorker(log), _FakeWorker(log)
    workers = {'tensorflow': ours, 'pytorch': theirs}
    _, calls = run.measure(experiments.EXPERIMENTS[0], workers, 3, 0.0)
    timed = [who for who, verb in log if verb == 'time']
    self.assertEqual(timed, [id(ours), id(theirs)] * 3)
    self.assertEqual([len(each) for each in calls.values()], [3, 3])
    self.assertEqual(calls['tensorflow', 'unet_train'], _calls(3.0, 5.0, 7.0))

  def test_memory_is_that_of_workers_that_have_done_nothing_before(self):
    log, started = [], []

    def start(side: str) -> _FakeWorker:
      started.append((side, len(log)))
      return _FakeWorker(log)

    run.prepare_alone(experiments.EXPERIMENTS[0], start)
    self.assertEqual(started, [('tensorflow', 0), ('pytorch', 2)])
    self.assertEqual([verb for _, verb in log], ['prepare', 'close'] * 2)

  def test_networks_of_different_sizes_are_not_compared(self):
    workers = {'tensorflow': _FakeWorker([]), 'pytorch': _FakeWorker([], parameters=6)}
    with self.assertRaisesRegex(ValueError, 'different numbers of weights'):
      run.measure(experiments.EXPERIMENTS[0], workers, 1, 0.0)


class WorkerTest(tf.test.TestCase):
  def test_memory_is_what_a_case_takes_at_most(self):
    """Of 96 MiB that are freed at once, all but what the process had in reserve; beside it, little."""

    def case(n_bytes: int) -> worker.Case:
      return worker.Case(lambda: bytearray(n_bytes) and None)

    makers = {'large': lambda: case(96 * 2**20), 'small': lambda: case(2**10)}
    large, small = (worker._do(makers, {}, 'prepare', name)['memory_mib'] for name in makers)
    self.assertBetween(large, 80, 112)
    self.assertLess(small, 16)

  def test_memory_is_unknown_on_other_systems(self):
    with mock.patch.object(worker, '_PROCESS', Path('/nowhere')):
      facts = worker._do({'one': lambda: worker.Case(lambda: None)}, {}, 'prepare', 'one')
    self.assertIsNone(facts['memory_mib'])

  def test_timings_hold_every_call_and_its_stages(self):
    runs = []

    def work() -> dict[str, float]:
      runs.append(1)
      return {'write': 0.5}

    calls = worker.timings(work, 0.0)
    self.assertEqual((len(calls), len(runs)), (1, 1))
    self.assertEqual(calls[0]['write'], 0.5)
    self.assertGreater(len(worker.timings(lambda: None, 0.001)), 1)


class TrainingCaseTest(tf.test.TestCase):
  def test_each_call_is_one_step_of_the_optimizer(self):
    model = Segmenter(unet_3d((8, 8, 8), filters=(2,), bottleneck_filters=2))
    model.compile('adam')
    batch = tf.ones([1, 8, 8, 8, 1]), tf.ones([1, 8, 8, 8])
    case = tensorflow_side.training_case(model, batch)
    case.run()
    case.run()
    self.assertEqual(int(model.optimizer.iterations), 2)
    # Moving mean and variance of the one normalisation, over two filters, are not trained.
    self.assertEqual(case.facts['parameters'], {'network': model.network.count_params() - 4})


if __name__ == '__main__':
  tf.test.main()
