// Every head of every layer as a thumbnail of its pattern, in the head's own colour.
import { useMemo } from "preact/hooks";
import type { Overview } from "../api/types.ts";
import { GridColour, GridLegend } from "../evidence/GridColour.tsx";
import { measureName, measureNumber } from "../glance/names.tsx";
import { t } from "../i18n/index.ts";
import { cellNumber, lightOf } from "../maths/measures.ts";
import { isPinned } from "../maths/pins.ts";
import { pinHead } from "../state/cards.ts";
import { measures } from "../state/glance.ts";
import type { Theme } from "../state/url.ts";
import { theme } from "../state/preferences.ts";
import { chooseHead, chosenHead, layer, overview, pins } from "../state/session.ts";
import { headColour, headOklch, rgbBytes } from "../ui/colour.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";
import { SavePicture } from "./SavePicture.tsx";

const kRaster = document.createElement("canvas");

/** The pattern as an image: a grid of canvases would be a layer each, to be put together in every frame of the page. */
function painted(pattern: Float32Array, size: number, head: number, inTheme: Theme): string {
  kRaster.width = kRaster.height = size;
  const context = kRaster.getContext("2d");
  if (!context) return "";
  const image = context.createImageData(size, size);
  const [red, green, blue] = rgbBytes(headOklch(head, inTheme));
  // The root of the weight: the eye tells 0.01 from 0.05 as well as 0.5 from 0.9.
  pattern.forEach((weight, i) => image.data.set([red, green, blue, 255 * Math.sqrt(Math.min(1, weight))], 4 * i));
  context.putImageData(image, 0, 0);
  return kRaster.toDataURL("image/png");
}

interface ThumbnailProps {
  readonly all: Overview;
  readonly ofLayer: number;
  readonly head: number;
  readonly tabStop: boolean;
}

function Thumbnail({ all, ofLayer, head, tabStop }: ThumbnailProps) {
  const inTheme = theme.value;
  const image = useMemo(() => {
    const cells = all.size * all.size;
    const start = (ofLayer * all.heads + head) * cells;
    return painted(all.data.subarray(start, start + cells), all.size, head, inTheme);
  }, [all, ofLayer, head, inTheme]);
  const here = ofLayer === layer.value;
  const measure = measures.colour.value;
  const value = measure?.values[ofLayer * all.heads + head];
  const chosen = here && head === chosenHead.value;
  const pinned = isPinned(pins.value, ofLayer, head);
  const label =
    measure && value !== undefined
      ? t("overview_cell_value", { layer: ofLayer, head, value: `${measureName(measure.key)} ${measureNumber(measure.unit, value)}` })
      : t("overview_cell", { layer: ofLayer, head });
  return (
    <button
      type="button"
      class={["thumb", chosen && "chosen", pinned && "pinned"].filter(Boolean).join(" ")}
      data-cell={`${ofLayer}.${head}`}
      aria-label={pinned ? `${label}, ${t("is_pinned")}` : label}
      aria-pressed={chosen}
      title={t("head_card", { layer: ofLayer, head })}
      tabIndex={tabStop ? 0 : -1}
      style={{ "--head": headColour(head, inTheme), "--share": measure && value !== undefined ? lightOf(measure, value) : 0 }}
      onClick={(event) => (event.shiftKey ? pinHead({ layer: ofLayer, head }) : chooseHead(ofLayer, head))}
    >
      <img src={image} alt="" />
      {pinned && <span class="thumb-pin" aria-hidden="true" />}
      {measure && value !== undefined && (
        <span class="thumb-share" data-share={value}>
          {cellNumber(measure.unit, value)}
        </span>
      )}
    </button>
  );
}

function walk(event: KeyboardEvent & { currentTarget: HTMLElement }, all: Overview): void {
  const cells = [...event.currentTarget.querySelectorAll(".thumb")];
  const at = cells.indexOf(document.activeElement as Element);
  if (event.key.toLowerCase() === "p" && at >= 0) return pinHead({ layer: Math.floor(at / all.heads), head: at % all.heads });
  const next = at < 0 ? null : moveIndex(event.key, at, cells.length, all.heads);
  if (next === null) return;
  event.preventDefault();
  focusWithin(event.currentTarget, ".thumb", next);
}

export function OverviewGrid() {
  const all = overview.value;
  if (!all) return <section class="overview waiting" aria-busy="true" />;
  const stop = layer.value * all.heads + (chosenHead.value ?? 0);
  return (
    <section class="overview" aria-labelledby="overview-title">
      <h2 id="overview-title">{t("overview_title")}</h2>
      <p class="hint">{t("overview_hint")}</p>
      <GridColour />
      <div
        class="overview-grid"
        role="group"
        aria-labelledby="overview-title"
        style={{ "--columns": all.heads }}
        onKeyDown={(event) => walk(event, all)}
      >
        <div class="overview-row" aria-hidden="true">
          <span />
          {Array.from({ length: all.heads }, (_, head) => (
            <span key={head} class="overview-head">
              {head}
            </span>
          ))}
        </div>
        {Array.from({ length: all.layers }, (_, ofLayer) => (
          <div key={ofLayer} class={ofLayer === layer.value ? "overview-row here" : "overview-row"}>
            <span class="overview-layer" aria-hidden="true">
              {ofLayer}
            </span>
            {Array.from({ length: all.heads }, (_unused, head) => (
              <Thumbnail
                key={head}
                all={all}
                ofLayer={ofLayer}
                head={head}
                tabStop={ofLayer * all.heads + head === stop}
              />
            ))}
          </div>
        ))}
      </div>
      <GridLegend />
      <SavePicture of=".overview" name="heads" />
    </section>
  );
}
