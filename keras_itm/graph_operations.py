"""The operations that the graph of a bundle may hold: those that compute and touch nothing else.

Whatever is not named here is refused, and so is what later versions of TensorFlow add, until somebody
has looked at it. None of these reads or writes a file, sends, calls Python, ends the process or makes a
resource that outlives the call.
"""

_ELEMENTWISE = """
  Abs AccumulateNV2 Acos Acosh Add AddN AddV2 Angle ApproximateEqual Asin Asinh Atan Atan2 Atanh
  BesselI0 BesselI0e BesselI1 BesselI1e Betainc BiasAdd BitwiseAnd BitwiseOr BitwiseXor Cast Ceil
  ClipByValue Complex ComplexAbs Conj Cos Cosh Digamma Div DivNoNan Elu Equal Erf Erfc Erfinv Exp
  Expint Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Igamma Igammac Imag Inv Invert IsFinite
  IsInf IsNan LeakyRelu LeftShift Less LessEqual Lgamma Log Log1p LogicalAnd LogicalNot LogicalOr
  Maximum Minimum Mod Mul MulNoNan Ndtri Neg NextAfter NotEqual OnesLike Polygamma Pow Real RealDiv
  Reciprocal Relu Relu6 RightShift Rint Round Rsqrt Select SelectV2 Selu Sigmoid Sign Sin Sinh
  Softplus Softsign Sqrt Square SquaredDifference Sub Tan Tanh TruncateDiv TruncateMod Xdivy Xlog1py
  Xlogy ZerosLike Zeta
"""
_REDUCTIONS = """
  All Any ArgMax ArgMin Bincount Cumprod Cumsum CumulativeLogsumexp DenseBincount EuclideanNorm
  HistogramFixedWidth InTopK InTopKV2 L2Loss LogSoftmax Max Mean Min NthElement Prod SegmentMax
  SegmentMean SegmentMin SegmentProd SegmentSum Softmax SoftmaxCrossEntropyWithLogits
  SparseSoftmaxCrossEntropyWithLogits Sum TopK TopKV2 UnsortedSegmentMax UnsortedSegmentMin
  UnsortedSegmentProd UnsortedSegmentSum
"""
_SHAPES = """
  BatchToSpace BatchToSpaceND Bitcast BroadcastArgs BroadcastGradientArgs BroadcastTo Bucketize Concat
  ConcatOffset ConcatV2 Const DataFormatDimMap DataFormatVecPermute DepthToSpace Diag DiagPart
  DynamicPartition DynamicStitch EnsureShape ExpandDims Fill Gather GatherNd GatherV2 Identity
  IdentityN InvertPermutation LinSpace ListDiff LowerBound MirrorPad OneHot Pack Pad PadV2
  ParallelDynamicStitch PlaceholderWithDefault PreventGradient Range Rank Reshape Reverse
  ReverseSequence ReverseV2 Roll ScatterNd Shape ShapeN Size Slice Snapshot SpaceToBatch
  SpaceToBatchND SpaceToDepth Split SplitV Squeeze StopGradient StridedSlice TensorScatterAdd
  TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile
  Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack UnravelIndex UpperBound Where
"""
_NETWORKS = """
  AvgPool AvgPool3D Conv Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropInputV2
  DepthwiseConv2dNative Dilation2D ExtractImagePatches ExtractVolumePatches FusedBatchNorm
  FusedBatchNormV2 FusedBatchNormV3 LRN MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax
"""
_IMAGES = """
  AdjustContrastv2 CropAndResize HSVToRGB ImageProjectiveTransformV2 ImageProjectiveTransformV3
  RGBToHSV ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor ScaleAndTranslate
"""
_LINEAR_ALGEBRA = """
  BandedTriangularSolve BatchMatMul BatchMatMulV2 BatchMatMulV3 Cholesky Cross Eig Einsum FFT FFT2D
  FFT3D IFFT IFFT2D IFFT3D IRFFT IRFFT2D IRFFT3D LogMatrixDeterminant Lu MatMul MatrixBandPart
  MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
  MatrixDiagV3 MatrixExponential MatrixInverse MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3
  MatrixSolve MatrixSolveLs MatrixSquareRoot MatrixTriangularSolve Qr RFFT RFFT2D RFFT3D
  SelfAdjointEigV2 Svd TridiagonalMatMul TridiagonalSolve
"""
_FLOW = (
  'Case If NoOp PartitionedCall StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile While'
)
_LISTS = """
  EmptyTensorList TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather
  TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListReserve
  TensorListResize TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack
"""
_RANDOM = """
  Multinomial RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip RngSkip
  StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt
  StatefulUniformInt StatelessMultinomial StatelessRandomGetAlg StatelessRandomGetKeyCounter
  StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform
  StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomUniformInt
  StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessShuffle StatelessTruncatedNormal
  StatelessTruncatedNormalV2 TruncatedNormal
"""
# Of the bundle's own variables: a handle comes from what a function captured, see graph_checks.
_VARIABLES = """
  AssignAddVariableOp AssignSubVariableOp AssignVariableOp DisableCopyOnRead ReadVariableOp
  ResourceGather ResourceGatherNd VarIsInitializedOp VariableShape
"""
# Stops with an error and prints nothing.
_ASSERTIONS = """
  Assert CheckNumerics CheckNumericsV2
"""

COMPUTE = frozenset(
  ' '.join(
    [
      _ELEMENTWISE,
      _REDUCTIONS,
      _SHAPES,
      _NETWORKS,
      _IMAGES,
      _LINEAR_ALGEBRA,
      _FLOW,
      _LISTS,
      _RANDOM,
      _VARIABLES,
      _ASSERTIONS,
    ]
  ).split()
)
# What a SavedModel saves and restores its weights by; nothing that computes has a use for them.
CHECKPOINT = frozenset(
  ['MergeV2Checkpoints', 'RestoreV2', 'SaveV2', 'ShardedFilename', 'StaticRegexFullMatch', 'StringJoin']
)
# Of the graph around the functions, where arguments and variables stand.
OUTER = frozenset(['Placeholder', 'VarHandleOp'])
