/** A picture, a sound or a video, as a source describes it. */
export interface MediaFile {
  readonly url: string;
  readonly type?: string | undefined;
  readonly length?: number | undefined;
  readonly duration?: number | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly title?: string | undefined;
  readonly alt?: string | undefined;
  readonly caption?: string | undefined;
  readonly credit?: string | undefined;
  /** Pictures of one group are one picture in several sizes, if they have the same caption. */
  readonly group?: object | undefined;
}
