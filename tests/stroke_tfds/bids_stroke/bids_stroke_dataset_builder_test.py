from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as bids_stroke
from stroke_tfds.prepared import PreparedConfig
from tests.prepared_builder import PreparedBuilderCase
from tests.prepared_folder import TINY, cohort, write_folder

_NAME = 'Mustermann'


class BidsStrokeTest(PreparedBuilderCase, tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = bids_stroke.Builder
  SPLITS = {'train': 2, 'test': 2}
  SOURCE = 'bids'
  N_POSITIVE, N_NEGATIVE = 3, 1
  DESCRIBED_BY = 'BIDS layout'
  CITED = 'platscher'


class PrivacyTest(tf.test.TestCase):
  def test_no_byte_tells_where_the_folder_was_or_what_else_it_holds(self):
    root = Path(self.get_temp_dir())
    folder = write_folder(root / f'scans_of_{_NAME}', cohort(3, 1))
    for case in folder.cases:
      image, labels, fraction, sidecar = folder.load(case.case_id)
      sidecar |= {'operator': _NAME, 'quality': {'lesion_ml': 1.0, _NAME: 1.0}}
      sidecar |= {'suspicions': [_NAME], 'inputs': _NAME, 'image_sha256': _NAME}
      folder.write_case(
        case.case_id, image, labels, fraction if case.group == 'positive' else None, sidecar
      )
    table = folder.path / 'participants.tsv'
    header, *rows = table.read_text().splitlines()
    rows = [f'{header}\tname', *(f'{row}\t{_NAME}' for row in rows)]
    table.write_text('\n'.join(rows) + '\n')
    builder = bids_stroke.Builder(
      config=PreparedConfig(grid=TINY), data_dir=str(root / 'data'), file_format='tfrecord'
    )
    config = tfds.download.DownloadConfig(manual_dir=str(folder.path))
    builder.download_and_prepare(download_config=config)
    files = [path for path in (root / 'data').rglob('*') if path.is_file()]
    self.assertLen([path for path in files if 'tfrecord' in path.name], 2)
    for path in files:
      self.assertNotIn(_NAME, str(path.relative_to(root)))
      self.assertNotIn(_NAME.encode(), path.read_bytes(), path.name)
    # The records themselves are not packed: the scan would find the name in them.
    self.assertIn(b'sub-p0', b''.join(path.read_bytes() for path in files))


if __name__ == '__main__':
  tfds.testing.test_main()
