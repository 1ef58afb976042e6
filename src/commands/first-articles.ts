import { directionOf } from '../lib/text.ts';

/** The first article of a new newsroom, in one language. */
export interface FirstArticle {
  /** The language of these texts. */
  readonly language: string;
  readonly title: string;
  readonly section: string;
  /** Markdown. */
  readonly body: string;
  /** The description of a publication with this title. */
  readonly description: (title: string) => string;
}

const ENGLISH: FirstArticle = {
  language: 'en',
  title: 'Welcome to your newsroom',
  section: 'News',
  body: `This story is the file \`articles/welcome.md\`. Change it, and every feed has the change a few seconds later. Delete it, and readers learn that the story is withdrawn.

A new story is a new file in \`articles/\`: Markdown (\`.md\`), plain text (\`.txt\`) or JSON (\`.json\`). Put pictures into \`media/\`.`,
  description: (title) => `News from ${title}.`,
};

const ARTICLES: readonly FirstArticle[] = [
  ENGLISH,
  {
    language: 'ku',
    title: 'Bi xêr hatî',
    section: 'Nûçe',
    body: `Ev nivîs pelê \`articles/welcome.md\` e. Wî biguherîne: piştî çend saniyeyan guherîn di hemû feedan de ye. Wî jê bibe: xwendevan dibînin ku nivîs hatiye vekişandin.

Nivîseke nû pelekî nû ye di \`articles/\` de: Markdown (\`.md\`), nivîsa sade (\`.txt\`) an JSON (\`.json\`). Cihê wêneyan \`media/\` ye.`,
    description: (title) => `Nûçeyên ${title}.`,
  },
  {
    language: 'ckb',
    title: 'بەخێربێیت',
    section: 'هەواڵ',
    body: `ئەم بابەتە فایلی \`articles/welcome.md\`ە. بیگۆڕە: دوای چەند چرکەیەک گۆڕانکارییەکە لە هەموو فیدەکاندایە. بیسڕەوە: خوێنەران دەزانن کە بابەتەکە کشێنراوەتەوە.

بابەتی نوێ فایلێکی نوێیە لە \`articles/\`: مارکداون (\`.md\`)، دەقی سادە (\`.txt\`) یان جەیسۆن (\`.json\`). شوێنی وێنەکان \`media/\`یە.`,
    description: (title) => `هەواڵەکانی ${title}.`,
  },
  {
    language: 'ar',
    title: 'أهلًا وسهلًا',
    section: 'أخبار',
    body: `هذه المادة هي الملف \`articles/welcome.md\`. عدّلها فيظهر التعديل في كل الخلاصات بعد ثوانٍ. احذفها فيعلم القراء أنها سُحبت.

كل مادة جديدة ملف جديد في \`articles/\`: ماركداون (\`.md\`) أو نص عادي (\`.txt\`) أو JSON (\`.json\`). ومكان الصور هو \`media/\`.`,
    description: (title) => `أخبار ${title}.`,
  },
  {
    language: 'fa',
    title: 'خوش آمدید',
    section: 'اخبار',
    body: `این مطلب پروندهٔ \`articles/welcome.md\` است. آن را تغییر دهید: چند ثانیه بعد تغییر در همهٔ خوراک‌هاست. آن را پاک کنید: خوانندگان درمی‌یابند که مطلب پس گرفته شده است.

هر مطلب تازه پرونده‌ای تازه در \`articles/\` است: مارک‌داون (\`.md\`)، متن ساده (\`.txt\`) یا JSON (\`.json\`). جای تصویرها \`media/\` است.`,
    description: (title) => `اخبار ${title}.`,
  },
  {
    language: 'tr',
    title: 'Hoş geldiniz',
    section: 'Haber',
    body: `Bu yazı \`articles/welcome.md\` dosyasıdır. Değiştirin: birkaç saniye sonra değişiklik bütün akışlardadır. Silin: okurlar yazının geri çekildiğini öğrenir.

Yeni bir yazı, \`articles/\` içinde yeni bir dosyadır: Markdown (\`.md\`), düz metin (\`.txt\`) veya JSON (\`.json\`). Görsellerin yeri \`media/\` klasörüdür.`,
    description: (title) => `${title}: haberler.`,
  },
];

/** The first article in a language; in English where there is none, or where the language has another script. */
export function firstArticleIn(tag: string): FirstArticle {
  const { language } = new Intl.Locale(tag);
  const own = ARTICLES.find((article) => article.language === language);
  return own !== undefined && directionOf(tag) === directionOf(language) ? own : ENGLISH;
}
