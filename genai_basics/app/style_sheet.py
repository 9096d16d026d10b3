"""The style of the page: system fonts, and one or two columns by the window's width."""

__all__ = ["STYLE"]

STYLE = """
body { font-family: system-ui, -apple-system, 'Segoe UI', sans-serif; }
body.body--dark { background: #15181c; color: #eceff1; }
.nicegui-content { padding: 0.5rem; max-width: 100vw; }
.q-tabs { max-width: 100%; min-width: 0; }
.bar-top { background: #0b3d5c; padding: 0.25rem 1rem; }
.colours { width: 9rem; }
.panel { width: 100%; border: 1px solid rgba(128, 128, 128, 0.45); border-radius: 8px;
  padding: 0.75rem; margin-bottom: 0.75rem; }
.panel-title { font-size: 1.15rem; font-weight: 600; }
.body--dark .q-field, .body--dark .q-tabs { --q-primary: #7cc4f2; }
.words { color: #4a5157; font-size: 0.9rem; }
.body--dark .words { color: #b8c0c6; }
.two { gap: 1rem; align-items: flex-start; flex-wrap: wrap; }
.half { flex: 1 1 22rem; min-width: 0; max-width: 100%; }
.control { gap: 0.6rem; }
input[type=range] { accent-color: #0072b2; min-width: 4rem; height: 1.75rem; }
.control-name { width: 6.5rem; flex: none; overflow-wrap: anywhere; }
.control-number { width: 4.5rem; flex: none; }
.picture { max-width: 100%; height: auto; border-radius: 4px; background: #fff; }
.output .picture { width: min(100%, 46rem); }
.small .picture { width: min(100%, 14rem); }
.map { position: relative; width: min(100%, 30rem); overflow: hidden; border-radius: 4px; }
.map img { display: block; cursor: crosshair; background: #fff; }
.ring { position: absolute; width: 18px; height: 18px; margin: -9px 0 0 -9px; border-radius: 50%;
  border: 3px solid #000; box-shadow: 0 0 0 2px #fff; pointer-events: none; }
.pad { width: min(100%, 280px); aspect-ratio: 1; touch-action: none; border: 1px solid #777;
  border-radius: 4px; cursor: crosshair; }
.pad:focus-visible { outline: 3px solid #0072b2; outline-offset: 2px; }
.error { color: #b00020; font-weight: 600; overflow-wrap: anywhere; }
.body--dark .error { color: #ff8a80; }
.answer { font-size: 1.4rem; font-weight: 600; overflow-wrap: anywhere; }
.sample-text { overflow-wrap: anywhere; white-space: pre-wrap; }
.written { font-family: ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 26rem; overflow-y: auto; }
.bars { list-style: none; padding: 0; margin: 0; width: 100%; min-width: 16rem; }
.bars li { display: flex; align-items: center; gap: 0.5rem; margin: 0.15rem 0; }
.bar-name { width: 7rem; flex: none; overflow: hidden; text-overflow: ellipsis; }
.bar-room { flex: 1; background: rgba(128, 128, 128, 0.25); border-radius: 3px; height: 0.9rem; }
.bar { display: block; height: 100%; background: #0072b2; border-radius: 3px; }
.body--dark .bar { background: #56b4e9; }
.bar-value { width: 4rem; text-align: right; font-variant-numeric: tabular-nums; }
@media (max-width: 600px) {
  .control { flex-wrap: wrap !important; row-gap: 0; }
  .control-name { width: 100%; }
}
.q-btn { text-transform: none; }
audio { width: min(100%, 26rem); }
.panel .q-field { min-width: 12rem; }
.half .q-field { width: 100%; max-width: 24rem; }
.half .q-textarea { max-width: 100%; }
.half .nicegui-html { width: 100%; }
.form { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; width: 100%; }
.panel .form .q-field { width: 11rem; min-width: 0; }
.panel .control .q-field { width: 4.5rem; min-width: 0; }
"""
