/** The source of all words on the page. `en.ts` must have the same keys. */

import { zhAlerts } from './zh-alerts';
import { zhNames } from './zh-names';
import { zhOverview } from './zh-overview';
import { zhPages } from './zh-pages';
import { zhSituation } from './zh-situation';

export const zh = {
  language: { code: 'zh-CN', other: 'English', switch: '切换为英文' },
  theme: { dark: '深色', light: '浅色', toDark: '切换为深色界面', toLight: '切换为浅色界面' },
  skip: '跳到正文',
  colon: '：',
  listSeparator: '、',

  origin: {
    real: '',
    replay: '回放 · 非真实数据',
    simulated: '模拟 · 非真实数据',
    hint: '本页所有数值都来自模拟的设备，不反映现实情况。',
    clock: '场景时间，不是现在的时间',
  } as Record<string, string>,

  header: {
    sceneTime: '北京时间 Asia/Shanghai',
    status: '状态',
    speed: (times: string) => `${times} 倍速`,
    dataAge: '研判',
    noDataYet: '尚无研判',
    late: '研判停滞',
    version: (version: string) => `Tidewatch ${version}`,
  },

  connection: {
    label: '连接',
    connecting: '正在连接',
    live: '实时',
    waiting: '数据流中断',
    lost: '服务器失联',
    connectingLong: '正在连接服务器。',
    waitingLong: (age: string) =>
      `服务器有应答，但数据流中断，正在恢复。以下是 ${age}的内容，不是实时数据。`,
    lostLong: (age: string) =>
      `与服务器失去联系，正在重新连接。以下是 ${age}的内容，不是实时数据。`,
    lostNoData: '无法连接服务器，正在重试。',
  },

  age: {
    second: (n: string) => `${n} 秒前`,
    minute: (n: string) => `${n} 分钟前`,
    hour: (n: string) => `${n} 小时前`,
    day: (n: string) => `${n} 天前`,
  },

  session: {
    login: '登录',
    logout: '退出登录',
    title: '管理员登录',
    name: '用户名',
    password: '密码',
    submit: '登录',
    submitting: '正在登录',
    cancel: '取消',
    wrong: '用户名或密码不正确。',
    unreachable: '无法连接服务器，请稍后再试。',
    failed: (detail: string) => `登录失败：${detail}`,
    needed: '登录后才能查看本系统的内容。',
    neededHere: '登录后可以查看这一部分。',
    loading: '正在读取系统信息',
  },

  ...zhOverview,
  ...zhAlerts,
  ...zhNames,
  ...zhPages,
  ...zhSituation,

  things: {
    title: '设备最新值',
    caption: '设备各要素的最新值、质量和距今时间',
    thing: '设备',
    kind: '类型',
    township: '乡镇街道',
    property: '要素',
    value: '最新值',
    quality: '质量',
    time: '时刻',
    age: '距今',
    allTownships: '全部乡镇街道',
    allKinds: '全部类型',
    search: '搜索',
    searchHint: '名称、编号或要素',
    clear: '清除筛选',
    noValue: '无数据',
    unchangedSince: (time: string) => `自 ${time} 起未变`,
    overdue: '逾期',
    rows: (from: string, to: string, total: string) => `第 ${from}–${to} 项，共 ${total} 项`,
    noRows: '没有符合条件的要素。',
    none: '还没有登记设备。',
    previous: '上一页',
    next: '下一页',
    pages: '翻页',
    loading: '正在读取设备',
    failed: (detail: string) => `读取设备失败：${detail}`,
    noLatest: '当前不提供设备的最新值。',
    state: {
      planned: '规划',
      commissioning: '调试',
      in_service: '',
      maintenance: '检修',
      retired: '停用',
    } as Record<string, string>,
  },

  system: {
    title: '收数账本',
    received: '收到',
    stored: '入库',
    duplicate: '重复',
    quarantined: '隔离',
    refused: '拒收',
    balanced: '✓ 平账',
    unbalanced: '✗ 不平',
    equation: '收到 = 入库 + 重复 + 隔离 + 拒收',
    lost: (n: string) => `已确认但丢失 ${n} 条，请立即查明原因`,
    asOf: (age: string) => `${age}读取`,
    failed: (detail: string) => `读取账本失败：${detail}`,
    quarantineTitle: '隔离的报文',
    quarantineCaption: '隔离区中的报文',
    quarantineEmpty: '隔离区是空的。',
    quarantineFailed: (detail: string) => `读取隔离区失败：${detail}`,
    quarantineFirst: (n: string) => `只列出 ${n} 条`,
    reason: '原因',
    topic: '主题',
    detail: '说明',
    receivedAt: '收到时刻',
    redriven: '已重新处理',
    refresh: '刷新',
  },

  /** Reasons of the quarantine; a reason without a word here is shown as its code. */
  reasons: {
    syntax: '格式错误',
    payload_too_large: '报文过大',
    too_deep: '嵌套过深',
    too_many_readings: '读数过多',
    empty: '空报文',
    duplicate_key: '键重复',
    unknown_member: '未知字段',
    bad_sequence: '序号无效',
    unsupported_version: '版本不支持',
    no_raw_property: '未指定原始值要素',
    bad_value: '数值无效',
    not_finite: '数值不是有限数',
    missing_value: '缺少数值',
    wrong_thing: '不是本设备',
    naive_time: '时间缺少时区',
    bad_time: '时间无效',
    bad_interval: '时段无效',
    bad_position: '位置无效',
    unknown_unit: '未知单位',
    unit_mismatch: '单位不符',
    unknown_thing: '未登记的设备',
    retired_thing: '设备已停用',
    unknown_property: '未知要素',
    computed_property: '要素由系统计算',
    property_not_of_kind: '该类设备没有此要素',
    bad_channel: '通道无效',
    future_time: '时间在未来',
    too_old: '时间过旧',
    too_many_datastreams: '要素过多',
    wrong_topic: '主题错误',
  } as Record<string, string>,

  problem: {
    unreachable: '无法连接服务器',
    retry: '重试',
    loading: '正在读取',
    forbidden: '当前用户无权查看或操作。',
    read: (detail: string) => `读取失败：${detail}`,
    catalogue: (detail: string) => `读取基础数据失败：${detail}`,
  },
};

type Same<T> = T extends string
  ? string
  : T extends (...args: infer Args) => string
    ? (...args: Args) => string
    : { [Key in keyof T]: Same<T[Key]> };

/** What every language has to say. */
export type Dictionary = Same<typeof zh>;
