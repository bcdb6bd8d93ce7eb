import Measurement
import Planning
import Quantization

extension State {
  /// What the screen needs and doesn't have, most important first: what is chosen for the tensor
  /// under the cursor, its histograms, its ladder (what is nearest to the choice first), then the
  /// choices on the rows in sight. Where exact figures take long, estimates of all of these come first.
  func wantedNow(layout: ScreenLayout) -> [Work] {
    var wanted: [Work] = []
    var seen: Set<Work> = []
    func want(_ work: Work) {
      if !findings.has(work), seen.insert(work).inserted { wanted.append(work) }
    }
    func wantChoice(of tensor: Int) {
      if case .format(let format) = choice(of: tensor) {
        want(.measurement(tensor: tensor, format: format))
      }
    }
    for (tensor, format) in formatsInSight(layout: layout) {
      if let work = firstEstimate(of: tensor, format) { want(work) }
    }
    if let tensor, contributions[tensor.id].isReadable {
      let id = tensor.id
      if let format = shownChoice(of: id).format, let work = nextEstimate(of: id, format) {
        want(work)
      }
      if let work = channelsWork { want(work) }
      wantChoice(of: id)
      if view != .map, view != .channels {
        for work in histogramWork(of: id, columns: layout.histogramBins) { want(work) }
      }
      want(.statistics(tensor: id))
      if tensor.suitability.isQuantizable {
        for format in pickerFormatsInSight {
          want(.measurement(tensor: id, format: format))
        }
        for case .format(let format) in rungsFromChoice(of: id) {
          want(.measurement(tensor: id, format: format))
        }
      }
    }
    for id in tensorsInSight(layout: layout) { wantChoice(of: id) }
    if view == .map {
      for (tensor, format) in formatsOfMapSteps {
        want(.measurement(tensor: tensor, format: format))
      }
    }
    return wanted
  }

  /// The tensors whose choices the screen shows figures of.
  func tensorsInSight(layout: ScreenLayout) -> [Int] {
    if view == .map { return tensorsOnMap }
    let end = min(rows.count, scroll + layout.listRows)
    return rows[min(scroll, end)..<end].compactMap { row in
      if case .tensor(let id) = row.subject { id } else { nil }
    }
  }

  /// The rungs of a tensor's ladder, the nearest to what is shown first, of two the lower one.
  private func rungsFromChoice(of tensor: Int) -> [Choice] {
    let rungs = ladder(of: tensor).rungs
    let here = rungs.firstIndex(of: shownChoice(of: tensor)) ?? 0
    return rungs.indices.sorted { left, right in
      (abs(left - here), right) < (abs(right - here), left)
    }.map { rungs[$0] }
  }

  /// What the screen shows errors of, most important first: the choice for the tensor under the cursor, its
  /// neighbours on the ladder, other formats, then the choices on the rows.
  private func formatsInSight(layout: ScreenLayout) -> [(tensor: Int, format: Format)] {
    var all: [(tensor: Int, format: Format)] = []
    if let tensor, contributions[tensor.id].isReadable {
      let id = tensor.id
      let shown = shownChoice(of: id)
      if let format = shown.format { all.append((id, format)) }
      if tensor.suitability.isQuantizable {
        all += pickerFormatsInSight.map { (id, $0) }
        all += rungsFromChoice(of: id).compactMap { rung in rung.format.map { (id, $0) } }
      }
    }
    for id in tensorsInSight(layout: layout) {
      if let format = choice(of: id).format { all.append((id, format)) }
    }
    return view == .map ? all + formatsOfMapSteps : all
  }

  /// The first estimate of a tensor in a format; nil if something is known, or the exact figure is as quick.
  private func firstEstimate(of tensor: Int, _ format: Format) -> Work? {
    guard measurement(of: tensor, format) == nil else { return nil }
    return SamplingSchedule.rounds(of: model.tensors[tensor], format: format).first.map {
      .estimate(tensor: tensor, format: format, weights: $0)
    }
  }

  /// The estimate that makes the one at hand surer.
  private func nextEstimate(of tensor: Int, _ format: Format) -> Work? {
    SamplingSchedule.rounds(of: model.tensors[tensor], format: format).lazy.map {
      .estimate(tensor: tensor, format: format, weights: $0)
    }.first { !findings.has($0) }
  }

  /// The choice that the detail pane draws: the rung under the ladder's cursor while it has the
  /// focus, otherwise what is chosen.
  func shownChoice(of tensor: Int) -> Choice {
    focus == .ladder ? ladderCursor ?? choice(of: tensor) : choice(of: tensor)
  }
}
