"""Small DICOM series as scanners write them, from arrays in MNI space."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from tests.stroke_tfds.preparation import made_up_scans as scans

_ROOT = '1.2.826.0.1.3680043.8.498.'
TRACE_TYPE = ('DERIVED', 'PRIMARY', 'DIFFUSION', 'TRACEW')
ADC_TYPE = ('DERIVED', 'PRIMARY', 'DIFFUSION', 'ADC')


@dataclasses.dataclass(frozen=True)
class Patient:
  """What the headers say of a patient."""

  name: str = 'Doe^John'
  patient_id: str = 'MRN4711'
  number: int = 1  # Part of all UIDs.


def save_series(
  folder: Path,
  patient: Patient,
  number: int,
  description: str,
  volumes: Sequence[np.ndarray],
  image_type: Sequence[str] = ('ORIGINAL', 'PRIMARY', 'M', 'ND'),
  b_values: Sequence[float | None] = (None,),
) -> list[Path]:
  """Writes a file for each slice of each volume, [X, Y, Z] in RAS on `made_up_scans.SCAN_GRID`."""
  folder.mkdir(parents=True, exist_ok=True)
  files = []
  for t, (volume, b_value) in enumerate(zip(volumes, b_values)):
    for z in range(volume.shape[2]):
      instance = t * volume.shape[2] + z + 1
      dataset = _slice(patient, number, instance, volume[..., z], z)
      dataset.SeriesDescription = dataset.ProtocolName = description
      dataset.ImageType = list(image_type)
      dataset.AcquisitionNumber = t + 1
      if b_value is not None:
        dataset.add_new(0x00189087, 'FD', float(b_value))
        dataset.add_new(0x00189075, 'CS', 'ISOTROPIC' if b_value else 'NONE')
      path = folder / f'IM{number:02d}{instance:04d}'
      dataset.save_as(path, enforce_file_format=True)
      files.append(path)
  return files


def save_patient(folder: Path, patient: Patient = Patient(), scan: np.ndarray | None = None) -> None:
  """A T2, a trace (b of 0 and 1000 in one series) and an ADC, each in a folder of its own."""
  image = scans.scan(patient.number) if scan is None else scan
  rest = scans.clean_image(0)
  save_series(folder / 't2', patient, 2, 't2_tse_tra', [rest])
  save_series(
    folder / 'trace', patient, 3, 'ep2d_diff_3scan_trace_TRACEW', [rest, image], TRACE_TYPE, [0, 1000]
  )
  adc = np.where(image > 0, 800, 0).astype(np.float32)
  adc[scans.LESION_VOXELS] = 400
  save_series(folder / 'adc', patient, 4, 'ep2d_diff_3scan_trace_ADC', [adc], ADC_TYPE)


def _slice(patient: Patient, series: int, instance: int, pixels: np.ndarray, z: int) -> pydicom.Dataset:
  grid = scans.SCAN_GRID
  study = f'{_ROOT}{patient.number}'
  dataset = pydicom.Dataset()
  dataset.file_meta = pydicom.dataset.FileMetaDataset()
  dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
  dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
  dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f'{study}.{series}.{instance}'
  dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, f'{study}.{series}'
  dataset.FrameOfReferenceUID = f'{study}.0'
  dataset.PatientName, dataset.PatientID = patient.name, patient.patient_id
  dataset.PatientBirthDate, dataset.PatientSex = '19500102', 'M'
  dataset.PatientComments = dataset.ImageComments = 'seen by Dr Quack'
  dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = '20230405'
  dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = '101112'
  dataset.Modality, dataset.Manufacturer = 'MR', 'SIEMENS'
  dataset.InstitutionName = 'Quack'
  dataset.SeriesNumber, dataset.InstanceNumber = series, instance
  dataset.RepetitionTime, dataset.EchoTime, dataset.MagneticFieldStrength = 5000.0, 90.0, 1.5
  # Patients' x and y run against those of MNI: DICOM counts towards left and back.
  x_mm, y_mm, z_mm = (grid.affine @ [0, 0, z, 1])[:3]
  dataset.ImagePositionPatient = [float(-x_mm), float(-y_mm), float(z_mm)]
  dataset.ImageOrientationPatient = [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0]
  dataset.PixelSpacing = [float(grid.spacing_mm[1]), float(grid.spacing_mm[0])]
  dataset.SliceThickness = dataset.SpacingBetweenSlices = float(grid.spacing_mm[2])
  dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, 'MONOCHROME2'
  dataset.Rows, dataset.Columns = pixels.shape[1], pixels.shape[0]
  dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
  dataset.PixelRepresentation = 0
  dataset.PixelData = np.rint(pixels.T).astype('<u2').tobytes()
  return dataset
