// The page of a report while it grows: headings, tables, figures.

import Foundation
import KubernetesAPI

/// HTML, put together piece by piece; texts are escaped here and nowhere else.
struct HTMLBody {
    private var html = ""
    private var charts = 0
    private var title = ""

    /// Rows of a table at most; the files have all.
    private static let mostRows = 500

    mutating func heading(_ text: String) {
        if title.isEmpty { title = text }
        html += "<h1>\(HTMLBody.escaped(text))</h1>\n"
    }

    /// What follows is folded away until somebody opens it.
    mutating func open(_ text: String) { html += "<details class=\"run\"><summary>A run under \(HTMLBody.escaped(text))</summary>\n" }
    mutating func note(_ text: String) { html += "<p class=\"caption\">\(HTMLBody.escaped(text))</p>\n" }
    mutating func close() { html += "</details>\n" }

    /// The expectations of a run, as `run.json` has them.
    mutating func verdicts(_ expectations: YAMLNode?) {
        guard let expectations, expectations.count > 0 else { return }
        html += "<ul class=\"verdicts\">\n"
        for verdict in expectations.elements {
            let holds = verdict["holds"]?.scalarText == "true"
            let text = "\(verdict["expectation"]?.scalarText ?? ""): \(verdict["observed"]?.scalarText ?? "")"
            html += "<li class=\"\(holds ? "holds" : "fails")\">\(HTMLBody.escaped(text))</li>\n"
        }
        html += "</ul>\n"
    }

    mutating func add(_ chart: Chart) {
        charts += 1
        let text = chart.specification.line.replacing("</", with: "<\\/")
        html += """
            <h2>\(HTMLBody.escaped(chart.title))</h2>
            <p class="caption">\(HTMLBody.escaped(chart.caption))</p>
            <div class="chart" data-chart="chart-\(charts)"></div>
            <script type="application/json" id="chart-\(charts)">\(text)</script>

            """
    }

    mutating func table(_ title: String, _ table: ResultFiles.Table, _ columns: [String]) {
        let columns = columns.filter { table.has($0) }
        html += "<h2>\(HTMLBody.escaped(title))</h2>\n<div class=\"scroll\"><table><thead><tr>"
        for column in columns { html += "<th>\(HTMLBody.escaped(column))</th>" }
        html += "</tr></thead><tbody>\n"
        for row in table.rows.prefix(HTMLBody.mostRows) {
            html += "<tr>"
            for column in columns {
                let text = table.text(row, column)
                // Numbers are rounded for the eye; the files have all digits.
                let shown = Double(text).map { Presentation.number($0) } ?? text
                html += (Double(text) != nil ? "<td class=\"number\">" : "<td>") + HTMLBody.escaped(shown) + "</td>"
            }
            html += "</tr>\n"
        }
        html += "</tbody></table></div>\n"
        if table.rows.count > HTMLBody.mostRows {
            html += "<p class=\"caption\">... and \(table.rows.count - HTMLBody.mostRows) more rows in the file.</p>\n"
        }
    }

    mutating func links(_ title: String, _ links: [(target: String, text: String)]) {
        html += "<h2>\(HTMLBody.escaped(title))</h2>\n<p>"
        html += links.map { "<a href=\"\(HTMLBody.escaped($0.target))\">\(HTMLBody.escaped($0.text))</a>" }.joined(separator: " · ")
        html += "</p>\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }

    // MARK: The page

    /// - Throws: `ScenarioError` if the library that draws is not beside the program.
    func page() throws(ScenarioError) -> String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>\(HTMLBody.escaped(title)) · Seatrial</title>
        <style>\(HTMLBody.style)</style>
        </head><body><main>
        \(html)<footer>Written by Seatrial \(SeatrialVersion.current). Charts: Vega-Lite.</footer>
        </main>
        <script type="module">\(try HTMLBody.library())</script>
        <script type="module">\(HTMLBody.script)</script>
        </body></html>

        """
    }

    private static let style = """
        :root{font:15px/1.5 system-ui,sans-serif;color:#1d2733;background:#fff}
        main{max-width:1080px;margin:0 auto;padding:1rem 1.5rem 3rem}
        h1{font-size:1.5rem;margin:2rem 0 .5rem}h2{font-size:1.1rem;margin:2rem 0 0}
        .caption{color:#5b6673;margin:.1rem 0 .6rem;font-size:.9rem}
        .chart{width:100%}.chart .mark-rect path{shape-rendering:crispEdges}
        .scroll{max-height:24rem;overflow:auto;border:1px solid #dfe4ea;border-radius:6px;margin-top:.5rem}
        table{border-collapse:collapse;font-size:.85rem;width:100%}
        th{position:sticky;top:0;background:#f3f5f8;text-align:left}th,td{padding:.25rem .6rem;border-bottom:1px solid #eef1f4}
        .number{text-align:right;font-variant-numeric:tabular-nums}
        .verdicts{list-style:none;padding:0}.verdicts li{padding-left:1.4rem;position:relative}
        .verdicts li::before{position:absolute;left:0;font-weight:700}
        .holds::before{content:"\\2713";color:#1b7f4b}.fails::before{content:"\\2717";color:#d1342f}
        details.run{border:1px solid #dfe4ea;border-radius:6px;padding:.5rem 1rem;margin-top:1rem}summary{cursor:pointer;font-weight:600}
        footer{margin-top:3rem;color:#5b6673;font-size:.85rem}
        """

    /// Charts in folded parts are drawn when these are opened: before, they have no width.
    private static let script = """
        const config={font:"system-ui, sans-serif",axis:{gridColor:"#eef1f4",titleFontWeight:"normal"},view:{stroke:null},range:{category:["#2b6cb0","#d1342f","#1b7f4b","#b7791f","#6b46c1","#0987a0","#97266d","#4a5568"]}};
        async function draw(element){
          if(element.dataset.drawn)return;element.dataset.drawn="yes";
          const spec=JSON.parse(document.getElementById(element.dataset.chart).textContent);
          if(!spec.facet){spec.width="container";spec.autosize={type:"fit-x",contains:"padding"};}
          await vegaEmbed(element,spec,{mode:"vega-lite",renderer:"svg",config,actions:{export:true,source:false,compiled:false,editor:false}});
        }
        for(const element of document.querySelectorAll(".chart"))if(!element.closest("details.run"))await draw(element);
        for(const details of document.querySelectorAll("details.run"))details.addEventListener("toggle",()=>{for(const element of details.querySelectorAll(".chart"))draw(element)});
        document.body.dataset.ready="yes";
        """

    /// Vega, Vega-Lite and Vega-Embed in one file, which stands beside the program.
    private static func library() throws(ScenarioError) -> String {
        let path = Bundle.main.bundleURL.appendingPathComponent("seatrial_Experiments.resources/vega-bundle.js").path
        do throws(ResultError) {
            return String(decoding: try InputFiles.read(path), as: UTF8.self)
        } catch {
            throw ScenarioError(["\(error.description): the folder seatrial_Experiments.resources belongs beside the program"])
        }
    }
}
