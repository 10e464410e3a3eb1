// Selectors are held against a pod's labels once for each distinct set of labels, not once for each pod.

import KubernetesAPI

/// What is known so far about one condition on pods' namespace and labels: yes, no or not asked, for each label set.
struct LabelSetMemo: Sendable {
    private enum Answer: UInt8 {
        case unknown, no, yes
    }
    private var answers: [Answer] = []

    /// Whether the condition holds for a label set; `judge` is asked the first time.
    @inline(__always)
    mutating func holds(
        for number: LabelSetNumber, in table: LabelSetTable, _ judge: (LabelSetTable.Entry) -> Bool
    ) -> Bool {
        let index = Int(number)
        if index < answers.count, answers[index] != .unknown { return answers[index] == .yes }
        if index >= answers.count {
            answers.append(contentsOf: repeatElement(.unknown, count: max(table.count, index + 1) - answers.count))
        }
        let answer = judge(table[number])
        answers[index] = answer ? .yes : .no
        return answer
    }
}
