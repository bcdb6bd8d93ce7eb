import ModelFiles
import Planning

extension Plan.Importance {
  /// What a plan says of the importance that it was made with.
  init(_ importance: ModelImportance) {
    self.init(
      file: importance.file, mapping: importance.mapping, datasets: importance.datasets,
      chunks: importance.chunks)
  }
}
