// swift-tools-version: 6.1
import PackageDescription

// The instruction set the kernels are compiled for. `native` is the building machine's own; a cluster of
// unlike nodes sets CRNN_DIST_ARCH to the oldest of them, for example x86-64-v3 (see README, "Clusters").
let architecture = Context.environment["CRNN_DIST_ARCH"] ?? "native"

#if arch(arm64)
  let instructionSet = ["-Xcc", "-mcpu=\(architecture)"]
#else
  let instructionSet =
    ["-Xcc", "-march=\(architecture)"]
    + (architecture == "native" ? ["-Xcc", "-mprefer-vector-width=512"] : [])
#endif

let common: [SwiftSetting] = [.swiftLanguageMode(.v6)]
// Kernels drop overflow and bounds checks: every size they take has been checked one level above.
let kernel: [SwiftSetting] =
  common + [.unsafeFlags(["-Ounchecked"] + instructionSet, .when(configuration: .release))]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let database = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
  name: "crnn-dist",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // C libraries, each with exactly one owner below (scripts/check-layers holds the line).
    .systemLibrary(name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5-openmpi", providers: [.apt(["libhdf5-openmpi-dev"])]),
    .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),

    // Foundations.
    .target(name: "Diagnosis", swiftSettings: common),
    .target(name: "ContentHashing", dependencies: ["Diagnosis"], swiftSettings: common),
    .target(name: "FileAccess", dependencies: ["Diagnosis"], swiftSettings: common),
    .target(name: "Isolation", dependencies: ["Diagnosis", "FileAccess"], swiftSettings: common),
    .target(name: "MachineMemory", swiftSettings: common),
    .target(name: "RandomNumbers", swiftSettings: common),
    .target(name: "Metrics", swiftSettings: common),
    .target(name: "Judging", dependencies: ["Metrics", "RandomNumbers"], swiftSettings: common),
    .target(name: "Sampling", dependencies: ["RandomNumbers"], swiftSettings: common),
    .target(name: "MessagePassing", dependencies: ["CMPI", "Diagnosis"], swiftSettings: common),
    .target(
      name: "HDF5", dependencies: ["CDeflate", "CHDF5", "Diagnosis", "MessagePassing"],
      swiftSettings: common),

    .target(
      name: "Stopping", dependencies: ["Diagnosis", "FileAccess", "Isolation", "MessagePassing"],
      swiftSettings: common),

    // What the model and the data both know of a song.
    .target(name: "Segments", swiftSettings: common),

    // The model: arithmetic, then networks made of it.
    .target(name: "Kernels", dependencies: ["COpenBLAS", "RandomNumbers"], swiftSettings: kernel),
    .target(
      name: "Networks", dependencies: ["Kernels", "RandomNumbers", "Segments", "Diagnosis"], swiftSettings: kernel),

    // The data: files to songs to snapshot to batches.
    .target(name: "Texts", dependencies: ["Diagnosis", "MessagePassing"], swiftSettings: common),
    .target(
      name: "FileTrees", dependencies: ["Diagnosis", "FileAccess", "MessagePassing", "Sampling", "Texts"],
      swiftSettings: common),
    .target(
      name: "TrackFiles",
      dependencies: [
        "Diagnosis", "FileAccess", "FileTrees", "HDF5", "Isolation", "MessagePassing", "Sampling",
        "Segments", "Texts",
      ],
      swiftSettings: common),
    .target(
      name: "Tags",
      dependencies: [
        "Diagnosis", "FileAccess", "FileTrees", "MessagePassing", "Sampling", "Texts", "TrackFiles", database,
      ],
      swiftSettings: common),
    .target(
      name: "Splits", dependencies: ["Diagnosis", "FileAccess", "RandomNumbers", "Texts"], swiftSettings: common),
    .target(
      name: "Snapshots",
      dependencies: [
        "Diagnosis", "FileAccess", "HDF5", "Isolation", "MessagePassing", "Segments", "Splits", "Tags",
        "Texts", "TrackFiles",
      ],
      swiftSettings: common),
    .target(
      name: "Spectrograms",
      dependencies: [
        "Diagnosis", "FileAccess", "HDF5", "Isolation", "MessagePassing", "Segments", "Tags", "Texts",
      ],
      swiftSettings: common),
    .target(
      name: "Preparation",
      dependencies: [
        "Diagnosis", "FileAccess", "FileTrees", "MessagePassing", "Sampling", "Segments", "Snapshots", "Splits",
        "Tags", "Texts", "TrackFiles",
      ],
      swiftSettings: common),
    .target(
      name: "Synthesis",
      dependencies: [
        "Diagnosis", "FileAccess", "HDF5", "MessagePassing", "Metrics", "RandomNumbers", "Sampling",
        "Spectrograms", "Tags",
      ],
      swiftSettings: common),

    // The job: replicas, checkpoints, the loop.
    .target(
      name: "DataParallel",
      dependencies: ["ContentHashing", "MessagePassing", "Kernels", "Networks", "Diagnosis"],
      swiftSettings: common),
    .target(
      name: "Checkpointing",
      dependencies: ["ContentHashing", "FileAccess", "HDF5", "Isolation", "Diagnosis"],
      swiftSettings: common),
    .target(
      name: "TensorBoardEvents", dependencies: [protobuf, "Diagnosis", "FileAccess"], swiftSettings: common),
    .target(
      name: "Training",
      dependencies: [
        "Checkpointing", "ContentHashing", "DataParallel", "Diagnosis", "FileAccess", "FileTrees", "HDF5",
        "Isolation", "Judging", "Kernels", "MachineMemory", "MessagePassing", "Metrics", "Networks", "Preparation",
        "RandomNumbers", "Sampling",
        "Segments", "Snapshots", "Spectrograms", "Splits", "Stopping", "Tags", "TensorBoardEvents", "Texts",
        "TrackFiles", logging,
        yams,
      ],
      swiftSettings: common),

    // What leaves for other tools, and comes from them.
    .target(
      name: "ModelExchange",
      dependencies: [
        "Checkpointing", "Diagnosis", "FileAccess", "HDF5", "Isolation", "Networks", "Segments", "Tags",
        "Training", protobuf,
      ],
      swiftSettings: common),
    .executableTarget(
      name: "crnn-dist",
      dependencies: [
        "Checkpointing", "DataParallel", "Diagnosis", "FileAccess", "FileTrees", "HDF5", "Isolation",
        "Judging", "MessagePassing", "Metrics", "ModelExchange", "Networks", "Preparation", "Sampling", "Segments",
        "Snapshots", "Spectrograms", "Splits",
        "Stopping", "Synthesis", "Tags", "Texts", "TrackFiles", "Training", argumentParser, logging, yams,
      ],
      swiftSettings: common),

    // What several modules' tests use.
    .target(name: "TestFolders", path: "Tests/TestFolders", swiftSettings: common),
    .target(
      name: "TestTracks", dependencies: ["HDF5", "RandomNumbers", "TestFolders"],
      path: "Tests/TestTracks", swiftSettings: common),

    .testTarget(name: "ContentHashingTests", dependencies: ["ContentHashing"], swiftSettings: common),
    .testTarget(
      name: "FileAccessTests", dependencies: ["FileAccess", "Diagnosis", "TestFolders"], swiftSettings: common),
    .testTarget(name: "IsolationTests", dependencies: ["Isolation", "FileAccess"], swiftSettings: common),
    .testTarget(
      name: "MachineMemoryTests", dependencies: ["MachineMemory", "TestFolders"], swiftSettings: common),
    .testTarget(name: "RandomNumbersTests", dependencies: ["RandomNumbers"], swiftSettings: common),
    .testTarget(
      name: "MetricsTests", dependencies: ["Metrics", "RandomNumbers"], exclude: ["Golden"], swiftSettings: common),
    .testTarget(name: "SegmentsTests", dependencies: ["Segments"], swiftSettings: common),
    .testTarget(
      name: "JudgingTests", dependencies: ["Judging", "Metrics", "RandomNumbers"], swiftSettings: common),
    .testTarget(name: "SamplingTests", dependencies: ["Sampling", "RandomNumbers"], swiftSettings: common),
    .testTarget(
      name: "MessagePassingTests", dependencies: ["MessagePassing", "Diagnosis"], swiftSettings: common),
    .testTarget(
      name: "HDF5Tests", dependencies: ["HDF5", "Diagnosis", "TestFolders"],
      swiftSettings: common),
    .testTarget(
      name: "KernelsTests", dependencies: ["Kernels", "RandomNumbers"], swiftSettings: common),
    .testTarget(
      name: "NetworksTests",
      dependencies: [
        "Networks", "Diagnosis", "Kernels", "HDF5", "MessagePassing", "Metrics", "Preparation", "RandomNumbers",
        "Sampling", "Snapshots", "Splits", "Synthesis",
      ],
      exclude: ["Golden"], swiftSettings: common),
    .testTarget(name: "TextsTests", dependencies: ["Texts", "RandomNumbers"], swiftSettings: common),
    .testTarget(
      name: "FileTreesTests",
      dependencies: ["FileTrees", "Diagnosis", "MessagePassing", "TestFolders", "TestTracks", "Texts"],
      swiftSettings: common),
    .testTarget(
      name: "TrackFilesTests",
      dependencies: [
        "TrackFiles", "Diagnosis", "FileTrees", "HDF5", "MessagePassing", "Segments", "TestFolders",
        "TestTracks", "Texts",
      ],
      swiftSettings: common),
    .testTarget(
      name: "TagsTests",
      dependencies: [
        "Tags", "Diagnosis", "FileTrees", "MessagePassing", "Preparation", "Snapshots", "TestFolders",
        "TestTracks",
        "TrackFiles", database,
      ],
      swiftSettings: common),
    .testTarget(
      name: "SplitsTests",
      dependencies: ["Splits", "Diagnosis", "RandomNumbers", "TestFolders", "TestTracks", "Texts"],
      swiftSettings: common),
    .testTarget(
      name: "SnapshotsTests",
      dependencies: [
        "Snapshots", "Diagnosis", "HDF5", "MessagePassing", "Preparation", "RandomNumbers",
        "TestFolders",
        "TestTracks",
      ],
      swiftSettings: common),
    .testTarget(
      name: "PreparationTests",
      dependencies: [
        "Preparation", "Diagnosis", "FileAccess", "FileTrees", "HDF5", "MessagePassing",
        "RandomNumbers",
        "Segments", "Snapshots", "Splits", "Synthesis", "Tags", "TestFolders", "TestTracks", "Texts", "TrackFiles",
        database,
      ],
      swiftSettings: common),
    .testTarget(
      name: "SynthesisTests",
      dependencies: [
        "Synthesis", "Diagnosis", "FileAccess", "HDF5", "MessagePassing", "RandomNumbers", "Tags",
        "TestFolders", "Texts", "TrackFiles",
      ],
      swiftSettings: common),
    .testTarget(
      name: "DataParallelTests",
      dependencies: ["DataParallel", "Diagnosis", "Kernels", "MessagePassing", "Networks"],
      swiftSettings: common),
    .testTarget(
      name: "CheckpointingTests",
      dependencies: ["Checkpointing", "FileAccess", "HDF5", "Diagnosis", "TestFolders"],
      swiftSettings: common),
    .testTarget(
      name: "ModelExchangeTests",
      dependencies: [
        "ModelExchange", "Diagnosis", "FileAccess", "Kernels", "Networks", "RandomNumbers", "Segments",
        "TestFolders",
      ],
      swiftSettings: common),
    .testTarget(
      name: "TensorBoardEventsTests", dependencies: ["TensorBoardEvents"], swiftSettings: common),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Training", "Checkpointing", "Diagnosis", "Kernels", "MachineMemory", "MessagePassing", "Networks",
        "Preparation", "RandomNumbers", "Segments", "Synthesis", "TensorBoardEvents", "Texts", "FileTrees",
        "TestFolders", "TrackFiles",
      ],
      swiftSettings: common),
  ]
)
