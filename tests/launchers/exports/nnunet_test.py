import tensorflow as tf

from launchers.exports.cases import ExportCase
from launchers.exports.nnunet import make_folds


def original(subject: str, session: str = '') -> ExportCase:
  name = f'sub-{subject}' + (f'_ses-{session}' if session else '')
  return ExportCase(subject, session, 'soop:train', name, False, (), 1.0)


def synthetic(number: int, *parents: str) -> ExportCase:
  return ExportCase(f's{number}', '', 'made:train', f's-{number}', True, parents, 1.0)


class MakeFoldsTest(tf.test.TestCase):
  def test_five_folds_over_subjects_with_synthetic_cases_in_training_alone(self):
    cases = [original(str(i)) for i in range(12)] + [original('12', '01'), original('12', '02')]
    cases += [synthetic(i) for i in range(3)]
    folds = make_folds(cases)
    self.assertLen(folds, 5)
    validated = sorted(name for fold in folds for name in fold['val'])
    self.assertEqual(validated, sorted(case.name for case in cases[:14]))
    for fold in folds:
      self.assertEqual({'sub-12_ses-01' in fold['val']}, {'sub-12_ses-02' in fold['val']})
      self.assertContainsSubset(['sub-s0', 'sub-s1', 'sub-s2'], fold['train'])
      self.assertEqual(sorted(fold['train'] + fold['val']), sorted(case.name for case in cases))
    self.assertEqual(folds, make_folds(list(reversed(cases))))

  def test_children_of_a_validation_case_are_left_out(self):
    cases = [original('1'), original('2', '01'), synthetic(0, 'sub-1'), synthetic(1, 'sub-2_ses-01')]
    folds = {fold['val'][0]: fold['train'] for fold in make_folds(cases)}
    self.assertEqual(folds['sub-1'], ['sub-2_ses-01', 'sub-s1'])
    self.assertEqual(folds['sub-2_ses-01'], ['sub-1', 'sub-s0'])

  def test_children_of_another_session_of_a_validated_subject_are_left_out(self):
    cases = [original('1'), original('2', '01'), synthetic(0, 'sub-2_ses-02')]
    folds = {fold['val'][0]: fold['train'] for fold in make_folds(cases)}
    self.assertEqual(folds['sub-2_ses-01'], ['sub-1'])

  def test_none_without_two_subjects(self):
    self.assertEqual(make_folds([synthetic(0), synthetic(1)]), [])
    self.assertEqual(make_folds([original('1', '01'), original('1', '02'), synthetic(0)]), [])


if __name__ == '__main__':
  tf.test.main()
